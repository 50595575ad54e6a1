// The API key in the headers of a request.
import { WaystationError, isWellFormedApiKey } from '@waystation/contracts';
import type { IncomingHttpHeaders } from 'node:http';

/** Longer headers are no key of ours. */
const HEADER_CHARACTERS_MAX = 512;

const BEARER = /^bearer +(\S+) *$/i;

export const invalidKey = (): WaystationError => new WaystationError('invalid_credentials', 'Invalid API key');

/** Clients of Anthropic send the key by itself. https://docs.anthropic.com/en/api/overview#authentication */
export const credentialsOf = (headers: IncomingHttpHeaders): string | undefined => {
  const key = headers['x-api-key'];
  return headers.authorization ?? (typeof key === 'string' ? `Bearer ${key}` : undefined);
};

/** @throws WaystationError `missing_credentials`, `invalid_credentials` */
export const apiKeyOf = (header: string | undefined): string => {
  if (header === undefined || header === '')
    throw new WaystationError('missing_credentials', 'Missing Authentication header');
  if (header.length > HEADER_CHARACTERS_MAX) throw invalidKey();
  const key = BEARER.exec(header)?.[1];
  if (key === undefined)
    throw new WaystationError(
      'invalid_credentials',
      'Invalid Authentication header; expected "Authorization: Bearer <api key>"',
    );
  // The checksum spares look-ups for keys that were mistyped or belong elsewhere.
  if (!isWellFormedApiKey(key)) throw invalidKey();
  return key;
};
