// Probes against a server that does exactly what a test says: what is asked, and at which step each thing that can be wrong is found.
import type { CredentialEntry, EndpointEntry, ProbeRequest, ProbeResult, ProviderEntry } from '@waystation/contracts';
import { createUpstreamClient, type UpstreamClient } from '@waystation/providers';
import { newWorkerKeyPair, sealSecret } from '@waystation/runtime';
import { fakeUpstream, type FakeUpstream, type UpstreamScript } from '@waystation/testing';
import { openEntry } from '../site/credentials.js';
import { buildSite } from '../site/sites.js';
import { chatChunks } from '../test-edge/attempt-request.js';
import { runProbe } from './run-probe.js';

const SECRET = 'sk-private-canary-0123456789';
const keys = newWorkerKeyPair();
let upstream: FakeUpstream;
let client: UpstreamClient;

const completion = (content: string | null, finish = 'stop'): object => ({
  ...{ id: 'up-1', object: 'chat.completion', created: 1, model: 'm-1' },
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
  usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
});
const isStream = (body: unknown): boolean => (body as { stream?: boolean }).stream === true;
const good: UpstreamScript = (request, reply) =>
  isStream(request.json()) ? reply.sse(chatChunks(3)) : reply.json(200, completion('Hello'));

beforeAll(async () => {
  upstream = await fakeUpstream(good);
  client = createUpstreamClient();
});
beforeEach(() => upstream.script(good));
afterAll(async () => {
  await client.close();
  await upstream.close();
});

interface Given {
  readonly provider?: Partial<ProviderEntry>;
  readonly endpoint?: Partial<EndpointEntry>;
  readonly credential?: Partial<CredentialEntry>;
  readonly timeoutMs?: number;
}

const requestOf = ({ provider, endpoint, credential }: Given): ProbeRequest => ({
  v: 1,
  principal: { kind: 'service', permissions: ['service'] },
  provider: {
    ...{ v: 1, version: 0, slug: 'home', name: 'Home', dialect: 'openai-chat', baseUrl: `${upstream.url}/v1` },
    ...{ allowPrivateAddress: true, credentialId: 'operator-home', billsAfterCancel: false },
    dataPolicy: { retains: false, trains: false },
    ...provider,
  },
  endpoint: {
    ...{ v: 1, version: 0, id: 'home/small@home', model: 'home/small', provider: 'home', tag: 'home' },
    ...{ upstreamModel: 'm-1', apis: ['chat'], context: 8_000, enabled: true },
    ...{ inputModalities: ['text'], outputModalities: ['text'], supportedParameters: ['max_tokens'] },
    ...{ priceVersion: `price-${'0'.repeat(32)}`, price: { perUnit: { input: '1', output: '1' } } },
    ...endpoint,
  },
  credential: {
    ...{ v: 1, version: 0, id: 'operator-home', provider: 'home', kind: 'bearer' },
    sealed: sealSecret(keys.publicKey, SECRET, 'operator-home'),
    ...credential,
  },
});

const probe = (given: Given = {}): Promise<ProbeResult> =>
  runProbe(requestOf(given), {
    client,
    timeoutMs: given.timeoutMs ?? 20_000,
    siteAt: (entry) =>
      buildSite(entry, {
        timeouts: { connectMs: 20_000, firstByteMs: 20_000, idleMs: 20_000 },
        ...{ connectionsMax: 4, tls: {}, proxiedNames: 'check' },
        proxies: { http: undefined, https: undefined, exempts: () => true },
      }),
    open: (entry, { slug, name }) =>
      openEntry(entry, keys.privateKey, () => Promise.reject(new Error('no tokens')), {
        id: entry.id,
        provider: slug,
        providerName: name,
      })(),
  });

it('asks for a word, whole and as a stream, with the credential, in the name that the server has for the model', async () => {
  const before = upstream.requests.length;
  const result = await probe({ provider: { headers: { 'x-team': 'lab' } } });
  expect(result).toMatchObject({
    status: 'passing',
    used: [
      { input: 5, output: 3 },
      { input: 5, output: 3 },
    ],
  });
  const asked = upstream.requests.slice(before);
  expect(asked.map(({ path, headers }) => [path, headers.authorization, headers['x-team']])).toEqual([
    ['/v1/chat/completions', `Bearer ${SECRET}`, 'lab'],
    ['/v1/chat/completions', `Bearer ${SECRET}`, 'lab'],
  ]);
  expect(asked.map((each) => each.json())).toMatchObject([
    { model: 'm-1', max_tokens: 16, stream: false },
    { model: 'm-1', max_tokens: 16, stream: true },
  ]);
});

it('speaks the dialect of the provider, by way of which any client would reach it', async () => {
  const before = upstream.requests.length;
  upstream.script((request, reply) => {
    const usage = { input_tokens: 5, output_tokens: 1 };
    const message = { id: 'msg-1', type: 'message', role: 'assistant', model: 'm-1', stop_reason: null, usage };
    if (!isStream(request.json()))
      return reply.json(200, { ...message, content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' });
    return reply.sse([
      { type: 'message_start', message: { ...message, content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
      { type: 'message_stop' },
    ]);
  });
  expect(await probe({ provider: { dialect: 'anthropic-messages' } })).toMatchObject({ status: 'passing' });
  expect(upstream.requests[before]?.path).toBe('/v1/messages');
});

it.each([
  [
    'embeddings',
    '/v1/embeddings',
    { data: [{ embedding: [0.1], index: 0 }], model: 'm-1', usage: { prompt_tokens: 1, total_tokens: 1 } },
  ],
  ['rerank', '/v1/rerank', { results: [{ index: 0, relevance_score: 0.5 }], usage: { total_tokens: 2 } }],
])('asks an endpoint for %s as little as there is of it', async (api, path, answer) => {
  const before = upstream.requests.length;
  upstream.script((_request, reply) => reply.json(200, answer));
  expect(await probe({ endpoint: { apis: [api] } })).toMatchObject({ status: 'passing' });
  expect(upstream.requests.slice(before).map((each) => each.path)).toEqual([path]);
});

it('takes thoughts that use up the few tokens for an answer', async () => {
  upstream.script((request, reply) =>
    isStream(request.json()) ? reply.sse(chatChunks(3)) : reply.json(200, completion(null, 'length')),
  );
  expect(await probe()).toMatchObject({ status: 'passing' });
});

it('does not try what costs money however small it is, and says so', async () => {
  const before = upstream.requests.length;
  expect(await probe({ endpoint: { apis: ['images'] } })).toMatchObject({
    ...{ status: 'untested', used: [] },
    problem: {
      message: expect.stringContaining('An endpoint for images cannot be tried for next to nothing') as string,
    },
  });
  expect(upstream.requests).toHaveLength(before);
});

const refuse =
  (status: number, message: string): UpstreamScript =>
  (_request, reply) =>
    reply.json(status, { error: { message } });

describe('what is wrong is found at its step:', () => {
  it.each<[string, Given, UpstreamScript, object]>([
    ['a private address', { provider: { allowPrivateAddress: false } }, good, { step: 'address' }],
    ['a name that does not resolve', { provider: { baseUrl: 'http://nowhere.invalid/v1' } }, good, { step: 'dns' }],
    ['nobody at the port', { provider: { baseUrl: 'http://127.0.0.1:1/v1' } }, good, { step: 'connection' }],
    ['a wrong key', {}, refuse(401, 'no such key'), { step: 'credential', upstreamStatus: 401 }],
    ['a model that is not there', {}, refuse(404, 'model m-1 not found'), { step: 'model', upstreamStatus: 404 }],
    [
      'a request that is refused',
      {},
      refuse(400, 'bad'),
      { step: 'request', upstreamStatus: 400, api: 'chat', streamed: false },
    ],
    ['too many requests', {}, refuse(429, 'slow down'), { step: 'rate-limit', upstreamStatus: 429 }],
    ['a provider that fails', {}, refuse(500, 'oops'), { step: 'provider', upstreamStatus: 500 }],
    [
      'a page',
      {},
      (_request, reply) => void reply.raw.writeHead(200, { 'content-type': 'text/html' }).end('<html>welcome</html>'),
      { step: 'answer', upstreamStatus: 200, answer: '<html>welcome</html>' },
    ],
    [
      'an empty answer',
      {},
      (_request, reply) => reply.json(200, completion('')),
      { step: 'answer', upstreamStatus: 200 },
    ],
    [
      'JSON where a stream was asked for',
      {},
      (_request, reply) => reply.json(200, completion('Hello')),
      { step: 'answer', streamed: true },
    ],
    [
      'a stream that breaks',
      {},
      async (request, reply) => {
        if (!isStream(request.json())) return reply.json(200, completion('Hello'));
        await reply.sse(chatChunks(1).slice(0, 2), { end: false });
        reply.hangUp();
      },
      { step: 'answer', streamed: true },
    ],
    ['a connection that closes', {}, (_request, reply) => reply.hangUp(), { step: 'connection' }],
    ['no answer', { timeoutMs: 100 }, () => undefined, { step: 'timeout' }],
    ['a secret that is sealed for others', { credential: { id: 'operator-other' } }, good, { step: 'credential' }],
    ['a dialect that nobody knows', { provider: { dialect: 'morse' } }, good, {}],
    [
      'a job that the dialect lacks',
      { provider: { dialect: 'anthropic-messages' }, endpoint: { apis: ['rerank'] } },
      good,
      { step: 'request' },
    ],
  ])('%s', async (_name, given, script, problem) => {
    upstream.script(script);
    const result = await probe(given);
    expect(result).toMatchObject({ status: 'failing', problem });
    expect(result.problem?.message.length).toBeGreaterThan(20);
  });

  it('a server without TLS where https is said', async () => {
    const result = await probe({ provider: { baseUrl: `https://127.0.0.1:${upstream.port}/v1` } });
    expect(result).toMatchObject({ status: 'failing', problem: { step: 'tls' } });
  });

  it('and the beginning of the answer is told without the key, addresses, or more than 500 characters of it', async () => {
    upstream.script(
      refuse(401, `the key ${SECRET} is not known at https://inside.example/login; ${'x'.repeat(2_000)}`),
    );
    const { problem } = await probe();
    expect(problem?.answer).toContain('is not known at');
    expect(problem?.answer).toHaveLength(500);
    expect(JSON.stringify(problem)).not.toContain(SECRET);
    expect(JSON.stringify(problem)).not.toContain('inside.example');
  });
});
