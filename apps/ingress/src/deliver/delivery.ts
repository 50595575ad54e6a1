// How an answer reaches the client: as a stream of bytes, or as one body. The attempt loop writes to it and never sees HTTP.
import type { WaystationError } from '@waystation/contracts';
import type { ChatAnswer, ChatBill } from '@waystation/dialects';

/** What is said with the status line. */
export interface AnswerHead {
  /** Absent where the request never became a generation. */
  readonly generationId?: string;
  readonly requestId: string;
  /** Output cap that the remaining credit set, where it did. */
  outputCap?: number;
  /** What became of the wish for a kept answer. Absent: there was none, or nothing may be kept. */
  cache?: CacheTold;
}

export type CacheTold =
  | { readonly status: 'MISS'; readonly ttlSeconds: number }
  | {
      readonly status: 'HIT';
      /** That it is left. */
      readonly ttlSeconds: number;
      readonly ageSeconds: number;
      /** The generation that it was made for. */
      readonly sourceId: string;
    };

export interface Delivery {
  /** Output went to the client: no other endpoint may take over. */
  readonly delivered: boolean;
  /** HTTP status the client saw; 499 where it left before any. */
  readonly status: number;
  /** An attempt begins: what the last one left undelivered is dropped. `consumed` is told how many bytes of this attempt have been disposed of in all. */
  restart(consumed: (totalBytes: number) => void): void;
  /** Output of the attempt. Only valid during the call. */
  data(bytes: Buffer): void;
  /** Has the whole answer edited before its end. Absent where there is no whole. */
  revise?(edit: (whole: Buffer) => Promise<Buffer>): Promise<void>;
  /** The answer is complete; without a bill while its usage is not known. `tail`: what of it the worker left to be finished with the bill. `contentType`: of one that is no JSON. @throws WaystationError `provider_invalid_response` where the bytes are no answer */
  end(answer: ChatAnswer, bill: ChatBill | undefined, tail: string | undefined, contentType?: string): void;
  /** The generation failed: told by the status while none was sent, in-band otherwise. */
  fail(error: WaystationError, answer: ChatAnswer): void;
}
