// A provider's answer as its documents show it, and what a client must get out of it. Hand-written; each names the page it was written from.
import type { FinishReason, Usage, UsageSource } from '@waystation/generation';

export interface StreamFixture {
  readonly name: string;
  /** The page that shows the shape. */
  readonly source: string;
  /** The whole response body, framing included. Bytes where the framing is no text. */
  readonly bytes: string | Buffer;
  readonly expected: Completion;
}

export interface BodyFixture {
  readonly name: string;
  readonly source: string;
  readonly bytes: string;
  readonly expected: Completion;
}

export interface ErrorFixture {
  readonly name: string;
  readonly source: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bytes: string;
  readonly code: string;
  readonly retryAfterMs?: number;
}

/** What both a stream and a body come down to. */
export interface Completion {
  readonly text: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finishReason: FinishReason;
  readonly nativeFinishReason: string;
  /** Absent where the provider names its answers in no event. */
  readonly upstreamId?: string;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  readonly serviceTier?: string;
  /** Signatures and encrypted reasoning, in order; checked where the dialect is translated. */
  readonly signatures?: readonly string[];
  /** URLs, in order; checked where the dialect is translated. */
  readonly citations?: readonly string[];
}

export interface Fixtures {
  readonly streams: readonly StreamFixture[];
  readonly bodies: readonly BodyFixture[];
  readonly errors: readonly ErrorFixture[];
}
