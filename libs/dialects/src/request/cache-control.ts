// `cache_control` at the top of a body: the client asks that its prompt is cached, wherever the provider wants that said. https://openrouter.ai/docs/guides/best-practices/prompt-caching;
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#automatic-caching
import type { CacheMarker } from '@waystation/generation';
import { isObject, oneOf, typeOf, type Check, type JsonObject } from '../openai-chat/check-type.js';

const LIFETIMES = ['5m', '1h'];

export const aCacheControl: Check = (value) => {
  if (!isObject(value)) return `Expected object, received ${typeOf(value)}`;
  const type = oneOf(['ephemeral'])(value['type']);
  if (type !== undefined) return `type: ${type}`;
  const ttl = value['ttl'] === undefined || value['ttl'] === null ? undefined : oneOf(LIFETIMES)(value['ttl']);
  return ttl === undefined ? undefined : `ttl: ${ttl}`;
};

/** What a `cache_control` says, at the top of a body or on a part of it; undefined where it says nothing. */
export const cacheMarkerOf = (control: unknown): CacheMarker | undefined =>
  isObject(control) ? { ttl: control['ttl'] === '1h' ? '1h' : '5m' } : undefined;

/** For the canonical call: of a body that its dialect has checked. */
export const promptCacheOf = (body: JsonObject): { promptCache?: CacheMarker } => {
  const promptCache = cacheMarkerOf(body['cache_control']);
  return promptCache === undefined ? {} : { promptCache };
};
