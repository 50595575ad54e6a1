// What clients say in the headers of response caching, one line a case. https://openrouter.ai/docs/guides/features/response-caching
import { randomBytes } from 'node:crypto';
import { newApiKey } from '@waystation/contracts';
import { readCacheWish, readTtlSeconds, secretOf } from './cache-wish.js';

const apiKey = newApiKey(randomBytes);
const authorization = `Bearer ${apiKey}`;

it.each<[string, string | undefined, number]>([
  ['nothing', undefined, 300],
  ['a number', '600', 600],
  ['less than a second', '0', 1],
  ['less than nothing', '-5', 1],
  ['more than a day', '1000000', 86_400],
  ['a number with something behind it', '60abc', 60],
  ['a broken number', '1.5', 1],
  ['no number', 'soon', 300],
  ['an empty header', '', 300],
])('a time to live of %s', (_name, header, seconds) => {
  expect(readTtlSeconds(header)).toBe(seconds);
});

it.each<[string, Record<string, string>, 'nothing' | 'an answer' | 'a new answer']>([
  ['no header', {}, 'nothing'],
  ['true', { 'x-openrouter-cache': 'true' }, 'an answer'],
  ['TRUE', { 'x-openrouter-cache': ' TRUE ' }, 'an answer'],
  ['false', { 'x-openrouter-cache': 'false' }, 'nothing'],
  ['another word', { 'x-openrouter-cache': 'yes' }, 'nothing'],
  ['to clear it', { 'x-openrouter-cache': 'true', 'x-openrouter-cache-clear': 'true' }, 'a new answer'],
  ['not to clear it', { 'x-openrouter-cache': 'true', 'x-openrouter-cache-clear': 'false' }, 'an answer'],
  ['to clear without a wish for the cache', { 'x-openrouter-cache-clear': 'true' }, 'nothing'],
  ['a time without a wish for the cache', { 'x-openrouter-cache-ttl': '60' }, 'nothing'],
])('%s', (_name, headers, wished) => {
  const wish = readCacheWish({ authorization, ...headers });
  const said = wish === undefined ? 'nothing' : wish.clear ? 'a new answer' : 'an answer';
  expect(said).toBe(wished);
});

it('the secret is of the API key, however that was sent, and not printed with the request', () => {
  const header = { 'x-openrouter-cache': 'true' };
  const [bearer, own, other] = [
    readCacheWish({ ...header, authorization }),
    readCacheWish({ ...header, 'x-api-key': apiKey }),
    readCacheWish({ ...header, authorization: `Bearer ${newApiKey(randomBytes)}` }),
  ];
  expect(bearer?.secret.equals(secretOf(apiKey))).toBe(true);
  expect(own?.secret.equals(secretOf(apiKey))).toBe(true);
  expect(other?.secret.equals(secretOf(apiKey))).toBe(false);
  expect(JSON.stringify(bearer)).toBe('{"ttlSeconds":300,"clear":false,"secret":{}}');
});
