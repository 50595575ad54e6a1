// Between the reader of the response and the caller's stream: closed until the journal knows of the attempt, and never pushing against a full window.
// Invariant: no byte reaches the caller before `open`, none after `discard`.
import type { AttemptWriter } from '@waystation/bus';

/** Largest piece given to the stream at once. */
const PIECE_BYTES_MAX = 256 * 1024;
/** While closed, more than this stops the reading of the response. */
const CLOSED_BYTES_MAX = 64 * 1024;

export class Outbox {
  readonly #writer: AttemptWriter;
  readonly #onPressure: (full: boolean) => void;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #open = false;
  #full = false;
  #pressed = false;
  #discarding = false;
  #onEmpty: (() => void) | undefined;
  sentBytes = 0;

  /** @param onPressure told when the response should not be read for a while, and when it may again */
  constructor(writer: AttemptWriter, onPressure: (full: boolean) => void) {
    this.#writer = writer;
    this.#onPressure = onPressure;
    writer.drained(() => {
      this.#full = false;
      this.#pump();
    });
  }

  open(): void {
    this.#open = true;
    this.#pump();
  }

  write(bytes: Buffer): void {
    if (this.#discarding) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#open) this.#pump();
    else if (this.#queuedBytes > CLOSED_BYTES_MAX) this.#press(true);
  }

  /** Calls back once, when everything has been handed to the stream. */
  whenEmpty(callback: () => void): void {
    this.#onEmpty = callback;
    this.#pump();
  }

  /** Forgets what waits and all that comes. */
  discard(): void {
    this.#discarding = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#onEmpty = undefined;
  }

  #pump(): void {
    if (!this.#open || this.#discarding) return;
    while (!this.#full) {
      const next = this.#queue[0];
      if (next === undefined) break;
      const piece = next.subarray(0, PIECE_BYTES_MAX);
      if (piece.length === next.length) this.#queue.shift();
      else this.#queue[0] = next.subarray(PIECE_BYTES_MAX);
      this.#queuedBytes -= piece.length;
      this.sentBytes += piece.length;
      this.#full = !this.#writer.write(piece);
    }
    this.#press(this.#full || this.#queuedBytes > 0);
    if (this.#queuedBytes > 0) return;
    const onEmpty = this.#onEmpty;
    this.#onEmpty = undefined;
    onEmpty?.();
  }

  #press(full: boolean): void {
    if (full === this.#pressed) return;
    this.#pressed = full;
    this.#onPressure(full);
  }
}
