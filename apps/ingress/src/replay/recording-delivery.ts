// A delivery that remembers what it delivers, as far as that is short enough to be kept. To everybody else it is the delivery itself.
import { ANSWER_BYTES_MAX, type WaystationError } from '@waystation/contracts';
import type { ChatAnswer, ChatBill } from '@waystation/dialects';
import type { Delivery } from '../deliver/delivery.js';

export interface Recording {
  readonly data: Buffer;
  readonly tail: string | undefined;
  readonly contentType: string | undefined;
}

/** A class and no literal with getters, as `give-up.ts` says. */
export class RecordingDelivery implements Delivery {
  readonly #delivery: Delivery;
  #parts: Buffer[] = [];
  #bytes = 0;
  #end: Pick<Recording, 'tail' | 'contentType'> | undefined;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  /** Undefined where the answer did not come to its end, or is too long. */
  get recording(): Recording | undefined {
    return this.#end === undefined || this.#bytes > ANSWER_BYTES_MAX
      ? undefined
      : { data: Buffer.concat(this.#parts), ...this.#end };
  }

  get delivered(): boolean {
    return this.#delivery.delivered;
  }

  get status(): number {
    return this.#delivery.status;
  }

  restart(consumed: (totalBytes: number) => void): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#delivery.restart(consumed);
  }

  data(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > ANSWER_BYTES_MAX) this.#parts = [];
    else this.#parts.push(Buffer.from(part));
    this.#delivery.data(part);
  }

  /** What is kept is the answer as it went out. */
  async revise(edit: (whole: Buffer) => Promise<Buffer>): Promise<void> {
    await this.#delivery.revise?.(async (whole) => {
      const edited = await edit(whole);
      this.#bytes = edited.length;
      this.#parts = edited.length > ANSWER_BYTES_MAX ? [] : [edited];
      return edited;
    });
  }

  end(answer: ChatAnswer, bill: ChatBill | undefined, tail: string | undefined, contentType?: string): void {
    this.#delivery.end(answer, bill, tail, contentType);
    this.#end = { tail, contentType };
  }

  fail(error: WaystationError, answer: ChatAnswer): void {
    this.#delivery.fail(error, answer);
  }
}
