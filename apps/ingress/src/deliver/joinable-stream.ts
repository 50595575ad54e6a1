// A stream that another attempt may go on with: remembers the text that went out, and lets only whole events out, so that what breaks off in the middle of one leaves no half of it.
// Invariants: bounded; what is held back counts as consumed, so that the worker never waits for it.
import type { WaystationError } from '@waystation/contracts';
import type { ChatAnswer, ChatBill, StreamJoint } from '@waystation/dialects';
import type { Delivery } from './delivery.js';

const END_OF_EVENT = Buffer.from('\n\n');
const NOT_CONSUMED = (): void => undefined;

export class JoinableStream implements Delivery {
  readonly #inner: Delivery;
  readonly #joint: StreamJoint;
  #isJoined = false;
  #rest: Buffer = Buffer.alloc(0);
  /** Of the attempt that runs: bytes that came, bytes that went on, and those of them that were disposed of. */
  #received = 0;
  #released = 0;
  #taken = 0;
  #consumed: (totalBytes: number) => void = NOT_CONSUMED;
  /** Output of the second attempt went out. */
  #hasMore = false;

  constructor(inner: Delivery, joint: StreamJoint) {
    this.#inner = inner;
    this.#joint = joint;
  }

  /** Of the attempt that runs, once there are two. */
  get delivered(): boolean {
    return this.#isJoined ? this.#hasMore : this.#inner.delivered;
  }

  get status(): number {
    return this.#inner.status;
  }

  /** What another attempt can go on with; undefined where none can. */
  get text(): string | undefined {
    return this.#isJoined ? undefined : this.#joint.text;
  }

  /** Whether the request may be needed once more. */
  get isOpen(): boolean {
    return this.#joint.isOpen;
  }

  /** The next attempt goes on with `text`. */
  join(): void {
    this.#joint.join();
    this.#isJoined = true;
  }

  restart(consumed: (totalBytes: number) => void): void {
    this.#rest = Buffer.alloc(0);
    this.#received = 0;
    this.#released = 0;
    this.#taken = 0;
    this.#consumed = consumed;
    this.#inner.restart((total) => {
      this.#taken = total;
      this.#report();
    });
  }

  data(part: Buffer): void {
    this.#received += part.length;
    let bytes = Buffer.concat([this.#rest, part]);
    for (let end = bytes.indexOf(END_OF_EVENT); end >= 0; end = bytes.indexOf(END_OF_EVENT)) {
      this.#release(this.#joint.pass(bytes.subarray(0, end + END_OF_EVENT.length)));
      bytes = bytes.subarray(end + END_OF_EVENT.length);
    }
    this.#rest = bytes;
    this.#report();
  }

  end(answer: ChatAnswer, bill: ChatBill | undefined, tail: string | undefined, contentType?: string): void {
    this.#inner.end(answer, bill, tail, contentType);
  }

  fail(error: WaystationError, answer: ChatAnswer): void {
    this.#inner.fail(error, answer);
  }

  #release(event: Buffer): void {
    if (event.length === 0) return;
    this.#hasMore = this.#isJoined;
    this.#released += event.length;
    this.#inner.data(event);
  }

  #report(): void {
    this.#consumed(this.#received - (this.#released - this.#taken));
  }
}
