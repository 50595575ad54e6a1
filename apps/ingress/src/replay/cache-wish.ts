// The headers by which a client takes answers that were given before. Whatever they say, a request is never refused for them.
// https://openrouter.ai/docs/guides/features/response-caching
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { apiKeyOf, credentialsOf } from '../auth/credentials.js';
import type { PresetUse } from '../presets/use-preset.js';

export interface CacheWish {
  /** How long its own answer may be kept. */
  readonly ttlSeconds: number;
  /** What is kept is not wanted any more. */
  readonly clear: boolean;
  /** Made of the API key, which stands nowhere: not even who holds all that is stored can do without it. */
  readonly secret: KeyObject;
}

export const TTL_SECONDS = { min: 1, usual: 300, max: 86_400 } as const;

const INFO = 'waystation/answers/v1';
const SECRET_BYTES = 32;

const isTrue = (header: string | string[] | undefined): boolean =>
  typeof header === 'string' && header.trim().toLowerCase() === 'true';

/** As the reference has it: `60abc` is 60, `1.5` is 1, what is no number says nothing, and what is beyond the bounds is at them. */
export const readTtlSeconds = (header: string | string[] | undefined): number => {
  const asked = typeof header === 'string' ? Number.parseInt(header, 10) : Number.NaN;
  return Number.isNaN(asked) ? TTL_SECONDS.usual : Math.min(Math.max(asked, TTL_SECONDS.min), TTL_SECONDS.max);
};

export const secretOf = (apiKey: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', apiKey, '', INFO, SECRET_BYTES)));

const isFalse = (header: string | string[] | undefined): boolean =>
  typeof header === 'string' && header.trim().toLowerCase() === 'false';

/** As the reference has it: a preset that forbids it wins over the header, and the header over a preset that asks for it. */
const isWished = (header: string | string[] | undefined, preset: PresetUse | undefined): boolean =>
  preset?.cacheEnabled !== false && (isTrue(header) || (preset?.cacheEnabled === true && !isFalse(header)));

/** Undefined where nothing is wished: of all that do not ask for it no more than this header is looked at. */
export const readCacheWish = (headers: IncomingHttpHeaders, preset?: PresetUse): CacheWish | undefined =>
  isWished(headers['x-openrouter-cache'], preset)
    ? {
        ttlSeconds: readTtlSeconds(headers['x-openrouter-cache-ttl'] ?? preset?.cacheTtlSeconds?.toString()),
        clear: isTrue(headers['x-openrouter-cache-clear']),
        secret: secretOf(apiKeyOf(credentialsOf(headers))),
      }
    : undefined;
