// The Idempotency-Key header: a client's own name for one request, so that sending it twice does it once.
import { WaystationError } from '@waystation/contracts';

export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;

/** Visible ASCII. A header that was sent twice arrives joined by a comma and a space, and is refused with the rest. */
const VISIBLE = /^[!-~]+$/;

/** @throws WaystationError `invalid_request` */
export const readIdempotencyKey = (header: string | string[] | undefined): string | undefined => {
  if (header === undefined) return undefined;
  const key = Array.isArray(header) ? header.join(', ') : header;
  if (key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX && VISIBLE.test(key)) return key;
  throw new WaystationError(
    'invalid_request',
    `The Idempotency-Key header must have 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters and stand once; ${
      key.length > IDEMPOTENCY_KEY_CHARACTERS_MAX
        ? `it has ${key.length} characters`
        : 'it is empty or holds a space or another character'
    }. A UUID will do.`,
    { details: { field: 'Idempotency-Key' } },
  );
};
