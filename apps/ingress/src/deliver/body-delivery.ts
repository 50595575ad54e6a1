// An answer as one JSON body: kept until it is complete, then the usage is put into the worker's own bytes. Until then any failure may still move on to
// another endpoint, because the client has seen nothing.
import { WaystationError } from '@waystation/contracts';
import type { ChatAnswer, ChatBill, JobDialect, PublicDialect } from '@waystation/dialects';
import type { Client } from './client.js';
import type { AnswerHead, Delivery } from './delivery.js';
import { bodyHead, errorHead } from './response-head.js';
import { withMetadata, withMetadataInError } from './with-metadata.js';

/** Longer answers are refused: they would be held in memory whole. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export interface BodyDeliveryOptions {
  readonly client: Client;
  readonly head: AnswerHead;
  readonly dialect: JobDialect | PublicDialect;
}

const NOT_CONSUMED = (): void => undefined;

/** A class and no literal with getters, as `give-up.ts` says. */
class BodyDelivery implements Delivery {
  readonly #client: Client;
  readonly #head: AnswerHead;
  readonly #dialect: JobDialect | PublicDialect;
  #status = 0;
  #parts: Buffer[] = [];
  #bytes = 0;
  #consumed: (totalBytes: number) => void = NOT_CONSUMED;

  constructor({ client, head, dialect }: BodyDeliveryOptions) {
    this.#client = client;
    this.#head = head;
    this.#dialect = dialect;
  }

  get delivered(): boolean {
    return this.#status === 200;
  }

  get status(): number {
    return this.#status === 0 && this.#client.gone ? 499 : this.#status;
  }

  restart(consumed: (totalBytes: number) => void): void {
    this.#consumed = consumed;
    this.#parts = [];
    this.#bytes = 0;
  }

  data(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > BODY_BYTES_MAX) return void (this.#parts = []);
    this.#parts.push(Buffer.from(part));
    this.#consumed(this.#bytes);
  }

  async revise(edit: (whole: Buffer) => Promise<Buffer>): Promise<void> {
    this.#parts = [await edit(this.#whole())];
  }

  #whole(): Buffer {
    const [only] = this.#parts;
    return this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
  }

  end(answer: ChatAnswer, bill: ChatBill | undefined, _tail: string | undefined, contentType?: string): void {
    if (this.#bytes > BODY_BYTES_MAX)
      throw new WaystationError(
        'provider_invalid_response',
        `The provider's answer is longer than ${BODY_BYTES_MAX} bytes.`,
      );
    const billed = this.#dialect.withBill(this.#whole(), bill);
    if (billed === undefined)
      throw new WaystationError('provider_invalid_response', "The provider's answer is not a JSON object.");
    const noted = 'withNotes' in this.#dialect ? this.#dialect.withNotes(billed, answer) : billed;
    const body = contentType === undefined ? withMetadata(noted, answer) : noted;
    if (this.#client.gone) return;
    this.#status = 200;
    this.#client.begin(200, bodyHead(this.#head, body.length, contentType));
    this.#client.end(body);
  }

  fail(error: WaystationError, answer: ChatAnswer): void {
    if (this.#client.gone || this.#status !== 0) return;
    const converted = withMetadataInError(this.#dialect.toError(error, answer), answer);
    this.#status = converted.status;
    this.#client.begin(this.#status, errorHead(converted, this.#head));
    this.#client.end(converted.body);
  }
}

export const createBodyDelivery = (options: BodyDeliveryOptions): Delivery => new BodyDelivery(options);
