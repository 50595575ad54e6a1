// `cache_control` at the top of a body, in each API: read into the call, sent to nobody as it is, refused where it is malformed.
import { findPublicDialect } from '../registry.js';

const BODIES = {
  'openai-chat': { model: 'x', messages: [{ role: 'user', content: 'hi' }] },
  'anthropic-messages': { model: 'x', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
  'openai-responses': { model: 'x', input: 'hi' },
};
const hash = (text: string): string => text;

describe.each(Object.entries(BODIES))('%s', (name, body) => {
  const dialect = findPublicDialect(name);
  const bytes = (cacheControl: unknown): Buffer =>
    Buffer.from(JSON.stringify({ ...body, cache_control: cacheControl }));

  it.each([
    [{ type: 'ephemeral' }, { ttl: '5m' }],
    [{ type: 'ephemeral', ttl: '1h' }, { ttl: '1h' }],
    [null, undefined],
  ])('reads %j as %j', (asked, promptCache) => {
    expect(() => dialect?.readRequest(bytes(asked), { hash })).not.toThrow();
    const call = dialect?.readCall(bytes(asked)).call;
    expect([call?.promptCache, call?.extra]).toEqual([promptCache, undefined]);
  });

  it.each([
    ['ephemeral', /^cache_control: Expected object, received string/],
    [{}, /^cache_control: type: Expected 'ephemeral'/],
    [{ type: 'persistent' }, /^cache_control: type: /],
    [{ type: 'ephemeral', ttl: '2h' }, /^cache_control: ttl: /],
  ])('refuses %j', (asked, message) => {
    expect(() => dialect?.readRequest(bytes(asked), { hash })).toThrow(message);
  });
});
