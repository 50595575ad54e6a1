// What a token's endpoint may answer, and what becomes of it; over real sockets.
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { createUpstreamClient, type UpstreamClient } from '../kit/upstream-client.js';
import { requestToken } from './request-token.js';

let server: FakeUpstream;
let client: UpstreamClient;
beforeAll(async () => {
  server = await fakeUpstream((_, reply) => reply.json(200, {}));
  client = createUpstreamClient();
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const ask = (allowPrivateAddress = true) =>
  requestToken(
    client,
    { url: `${server.url}/oauth/token?v=2`, form: { assertion: 'a.b-c', scope: 'x y' } },
    {
      providerName: 'Lab',
      allowPrivateAddress,
      timeouts: { connectMs: 5_000, firstByteMs: 5_000, idleMs: 5_000 },
    },
  );

it('posts a form and gets a token with its life', async () => {
  server.script((_, reply) => reply.json(200, { access_token: 'ya29.x', expires_in: 3_599, token_type: 'Bearer' }));
  expect(await ask()).toEqual({ secret: 'ya29.x', lifeMs: 3_599_000 });
  const asked = server.requests.at(-1);
  expect([asked?.path, asked?.headers['content-type']]).toEqual([
    '/oauth/token?v=2',
    'application/x-www-form-urlencoded',
  ]);
  expect(Object.fromEntries(new URLSearchParams(asked?.body.toString()))).toEqual({ assertion: 'a.b-c', scope: 'x y' });
});

it.each<[string, number, unknown, string, RegExp]>([
  [
    'a refusal',
    400,
    { error: 'invalid_grant', error_description: 'canary' },
    'provider_auth',
    /configured for Lab \(invalid_grant\)/,
  ],
  ['a refusal in other words', 401, { error: 'canary: 7' }, 'provider_auth', /configured for Lab\. /],
  ['an error of theirs', 503, { error: 'temporarily_unavailable' }, 'provider_unavailable', /status 503/],
  ['no token', 200, { token: 'canary' }, 'provider_unavailable', /no token/],
  ['a token that is no header', 200, { access_token: 'a\r\nx: canary' }, 'provider_unavailable', /no token/],
  ['no object', 200, ['canary'], 'provider_unavailable', /no token/],
  ['more than anybody reads', 200, { access_token: 'canary'.repeat(20_000) }, 'provider_unavailable', /too much/],
])('%s is told as what it is, without its words', async (_, status, body, code, message) => {
  server.script((_request, reply) => reply.json(status, body));
  const error: unknown = await ask().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(JSON.stringify(error) + String(error)).not.toContain('canary');
});

it('a connection that breaks is an error', async () => {
  server.script((_, reply) => reply.hangUp());
  await expect(ask()).rejects.toMatchObject({ code: 'provider_unavailable' });
});

it('nothing is asked of a private address unless that is allowed', async () => {
  const before = server.requests.length;
  await expect(ask(false)).rejects.toMatchObject({ code: expect.stringMatching(/^(provider|address)/) });
  expect(server.requests).toHaveLength(before);
});
