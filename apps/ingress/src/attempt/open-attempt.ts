// One try of one attempt id at one worker: opens the stream and follows it to its one end. Output goes straight to the delivery.
import type { Bus, StreamCall } from '@waystation/bus';
import { AttemptRun, type AttemptEnd, type AttemptRunRequest, type WaystationError } from '@waystation/contracts';
import { createContentCounter } from '@waystation/dialects';
import type { DeliveredContent } from '@waystation/generation';
import type { Delivery } from '../deliver/delivery.js';
import type { Generation } from '../generate/generation.js';
import type { GiveUp } from '../generate/give-up.js';

export type TryResult =
  | { readonly kind: 'ended'; readonly end: AttemptEnd }
  | { readonly kind: 'failed'; readonly error: WaystationError }
  /** We gave it up: the client left, or the process ends. */
  | { readonly kind: 'given-up' };

export interface Try {
  readonly result: TryResult;
  readonly worker?: string | undefined;
  /** Milliseconds from dispatch to the first output. */
  readonly latencyMs?: number | undefined;
  /** What was passed on to the client of a stream. */
  readonly content: DeliveredContent;
}

/** Where the output of one try goes, and who gives it up: the generation's own, or one of two that race. */
export interface Lane {
  readonly delivery: Pick<Delivery, 'delivered' | 'restart' | 'data'>;
  readonly giveUp: GiveUp;
  /** A worker took it. */
  readonly accepted?: () => void;
}

const NO_BYTES = Buffer.alloc(0);

export const openAttempt = (
  bus: Bus,
  generation: Generation,
  request: AttemptRunRequest,
  acceptTimeoutMs: number,
  lane: Lane = generation,
): Promise<Try> =>
  new Promise((resolve) => {
    const { deadlineAt } = generation;
    const { delivery, giveUp } = lane;
    const startedMs = performance.now();
    /** Filled when the stream is open; a callback may come before that. */
    const opened: { call?: StreamCall } = {};
    let worker: string | undefined;
    let latencyMs: number | undefined;
    let over = false;
    const content = createContentCounter();

    const finish = (result: TryResult): void => {
      if (over) return;
      over = true;
      giveUp.listen(undefined);
      resolve({
        result,
        content: content.sum,
        worker,
        latencyMs,
      });
    };
    const leave = (): void => {
      const { reason } = giveUp;
      opened.call?.cancel(reason === undefined || reason === 'blocked' ? 'given-up' : reason);
      finish({ kind: 'given-up' });
    };

    delivery.restart((totalBytes) => {
      if (!over) opened.call?.consumed(totalBytes);
    });
    giveUp.listen(leave);
    opened.call = bus.openStream(
      AttemptRun,
      request.attempt.provider,
      request,
      generation.body.bytes ?? NO_BYTES,
      { deadlineAt, acceptTimeoutMs },
      {
        accepted(instance) {
          worker = instance;
          if (!over) lane.accepted?.();
        },
        data(bytes) {
          if (over) return;
          if (latencyMs === undefined) {
            latencyMs = performance.now() - startedMs;
            generation.firstByteMs ??= performance.now() - generation.startedMs;
          }
          delivery.data(bytes);
          if (request.stream) content.count(bytes);
          if (delivery.delivered) generation.body.bytes = undefined;
        },
        end: (end) => finish({ kind: 'ended', end }),
        fail: (error) => finish({ kind: 'failed', error }),
      },
    );
    if (giveUp.reason !== undefined) leave();
  });
