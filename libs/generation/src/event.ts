// The canonical stream of a generation. Lifecycle words: start, delta, end. Blocks carry an index and may interleave.
import type { FinishReason } from './finish.js';
import type { Usage, UsageSource } from './usage.js';

/** Something asked for that was not done as asked; shown to the client, never silent. */
export interface Warning {
  readonly code: 'unsupported-parameter' | 'clamped' | 'translated-with-loss' | 'estimated-usage' | 'other';
  readonly message: string;
  /** The request field it is about, as the client spelled it. */
  readonly field?: string;
}

export type GenerationEvent =
  | {
      readonly type: 'start';
      readonly upstreamId?: string;
      readonly upstreamModel?: string;
      readonly systemFingerprint?: string;
      /** That the provider says it serves at. */
      readonly serviceTier?: string;
    }
  | { readonly type: 'text-start'; readonly index: number }
  | { readonly type: 'text-delta'; readonly index: number; readonly text: string; readonly logprobs?: unknown }
  | { readonly type: 'text-end'; readonly index: number }
  | {
      readonly type: 'reasoning-start';
      readonly index: number;
      readonly format?: string;
      readonly id?: string;
      /** The provider tells a summary of its reasoning, not its text. */
      readonly summary?: true;
    }
  | { readonly type: 'reasoning-delta'; readonly index: number; readonly text: string }
  | { readonly type: 'reasoning-end'; readonly index: number; readonly signature?: string; readonly encrypted?: string }
  | {
      readonly type: 'tool-call-start';
      readonly index: number;
      readonly id: string;
      readonly name: string;
      /** Opaque provider data that must come back with the call, and whose it is. */
      readonly signature?: string;
      readonly format?: string;
    }
  | { readonly type: 'tool-call-delta'; readonly index: number; readonly argumentsDelta: string }
  | { readonly type: 'tool-call-end'; readonly index: number }
  | { readonly type: 'refusal-delta'; readonly index: number; readonly text: string }
  | { readonly type: 'image'; readonly index: number; readonly mediaType: string; readonly base64: string }
  | { readonly type: 'audio-start'; readonly index: number; readonly id?: string; readonly format: string }
  | { readonly type: 'audio-delta'; readonly index: number; readonly base64?: string; readonly transcript?: string }
  | { readonly type: 'audio-end'; readonly index: number; readonly expiresAt?: number }
  | {
      readonly type: 'file';
      readonly index: number;
      readonly mediaType: string;
      readonly base64: string;
      readonly filename?: string;
    }
  | {
      readonly type: 'citation';
      readonly index: number;
      readonly url: string;
      readonly title?: string;
      readonly content?: string;
      readonly startIndex?: number;
      readonly endIndex?: number;
    }
  | { readonly type: 'warning'; readonly warning: Warning }
  /** The sum so far; the last one counts. `serviceTier`: that the provider says it served at. */
  | { readonly type: 'usage'; readonly usage: Usage; readonly source: UsageSource; readonly serviceTier?: string }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly nativeReason?: string }
  | { readonly type: 'error'; readonly code: string; readonly message: string };

/** True for the events that a client could already have acted on: after one of them no other endpoint may take over. */
export const isMeaningful = (event: GenerationEvent): boolean => {
  switch (event.type) {
    case 'start':
    case 'text-start':
    case 'reasoning-start':
    case 'audio-start':
    case 'warning':
    case 'usage':
    case 'error':
      return false;
    case 'text-delta':
    case 'reasoning-delta':
      return event.text.length > 0;
    case 'text-end':
    case 'reasoning-end':
    case 'tool-call-start':
    case 'tool-call-delta':
    case 'tool-call-end':
    case 'refusal-delta':
    case 'image':
    case 'audio-delta':
    case 'audio-end':
    case 'file':
    case 'citation':
    case 'finish':
      return true;
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};
