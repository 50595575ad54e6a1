// Bodies over the message limit travel in parts, straight from the caller to the worker that accepted: nothing at rest, few in flight.
// The worker asks for part n ("parts" frame: sequence = next part wanted, offset = bytes it has); asking again for the same part means it was lost.
import { WaystationError, decodeFrame, encodeFrame } from '@waystation/contracts';

/** Parts sent and not yet asked past. */
const PARTS_IN_FLIGHT_MAX = 4;

/** The caller's side. */
export class BodySender {
  readonly #body: Uint8Array;
  readonly #partBytes: number;
  readonly #resendAfterMs: number;
  readonly #publish: (subject: string, message: Buffer) => boolean;
  #next = 0;
  #askedFrom = 0;
  #sentAt = -Infinity;

  constructor(
    body: Uint8Array,
    partBytes: number,
    resendAfterMs: number,
    publish: (subject: string, message: Buffer) => boolean,
  ) {
    this.#body = body;
    this.#partBytes = partBytes;
    this.#resendAfterMs = resendAfterMs;
    this.#publish = publish;
  }

  /** The worker wants the part `sequence` next. */
  asked(inbox: string, sequence: number): void {
    const parts = Math.ceil(this.#body.length / this.#partBytes);
    const now = performance.now();
    if (sequence > this.#askedFrom) this.#askedFrom = sequence;
    else if (sequence < this.#next && now - this.#sentAt > this.#resendAfterMs) this.#next = sequence;
    while (this.#next < parts && this.#next - this.#askedFrom < PARTS_IN_FLIGHT_MAX) {
      const offset = this.#next * this.#partBytes;
      const part = this.#body.subarray(offset, offset + this.#partBytes);
      if (!this.#publish(inbox, encodeFrame('data', this.#next, offset, part))) return;
      this.#next += 1;
      this.#sentAt = now;
    }
  }
}

/** The worker's side: fills one buffer of the announced size. */
export class BodyReceiver {
  readonly body: Buffer;
  #next = 0;
  #received = 0;
  /** A part came since the last look. */
  heard = true;

  constructor(totalBytes: number) {
    this.body = Buffer.allocUnsafeSlow(totalBytes);
  }

  get next(): number {
    return this.#next;
  }
  get received(): number {
    return this.#received;
  }
  get complete(): boolean {
    return this.#received === this.body.length;
  }

  /** True if the part was the next one. Others are ignored: what is missing is asked for again. @throws WaystationError `bad_message` */
  take(message: Uint8Array): boolean {
    const frame = decodeFrame(message);
    if (frame.kind !== 'data')
      throw new WaystationError('bad_message', `A body's part is a data frame, not ${frame.kind}.`);
    if (frame.sequence !== this.#next) return false;
    if (
      frame.offset !== this.#received ||
      frame.payload.length === 0 ||
      frame.offset + frame.payload.length > this.body.length
    ) {
      throw new WaystationError(
        'bad_message',
        `Part ${frame.sequence} of a body does not continue at byte ${this.#received} of ${this.body.length}.`,
      );
    }
    this.body.set(frame.payload, this.#received);
    this.#received += frame.payload.length;
    this.#next += 1;
    this.heard = true;
    return true;
  }
}
