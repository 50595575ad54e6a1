// An answer as one JSON body: kept until it is complete, then the usage is put into the worker's own bytes. Until then any failure may still move on to
// another endpoint, because the client has seen nothing.
import { WaystationError } from '@waystation/contracts';
import type { BodyDialect } from '@waystation/dialects';
import type { Client } from './client.js';
import type { AnswerHead, Delivery } from './delivery.js';
import { bodyHead, errorHead } from './response-head.js';

/** Longer answers are refused: they would be held in memory whole. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export interface BodyDeliveryOptions {
  readonly client: Client;
  readonly head: AnswerHead;
  readonly dialect: BodyDialect;
}

export const createBodyDelivery = ({ client, head, dialect }: BodyDeliveryOptions): Delivery => {
  let status = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  let consumed: (totalBytes: number) => void = () => undefined;

  return {
    get delivered() {
      return status === 200;
    },
    get status() {
      return status === 0 && client.gone ? 499 : status;
    },
    restart(next) {
      consumed = next;
      parts = [];
      bytes = 0;
    },
    data(part) {
      bytes += part.length;
      if (bytes > BODY_BYTES_MAX) return void (parts = []);
      parts.push(Buffer.from(part));
      consumed(bytes);
    },
    end(_answer, bill, _tail, contentType) {
      if (bytes > BODY_BYTES_MAX)
        throw new WaystationError(
          'provider_invalid_response',
          `The provider's answer is longer than ${BODY_BYTES_MAX} bytes.`,
        );
      const [only] = parts;
      const body = dialect.withBill(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts), bill);
      if (body === undefined)
        throw new WaystationError('provider_invalid_response', "The provider's answer is not a JSON object.");
      if (client.gone) return;
      status = 200;
      client.begin(200, bodyHead(head, body.length, contentType));
      client.end(body);
    },
    fail(error) {
      if (client.gone || status !== 0) return;
      const converted = dialect.toError(error, head.generationId);
      status = converted.status;
      client.begin(status, errorHead(converted, head));
      client.end(converted.body);
    },
  };
};
