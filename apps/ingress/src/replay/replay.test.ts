// Response caching over real HTTP: what is answered without anybody being asked, and all that never is. The bus is scripted; the bucket lies in its memory.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  SNAPSHOT_KEYS,
  newApiKey,
  type AttemptEnd,
  type GenerationRecorded,
  type PolicyEntry,
} from '@waystation/contracts';
import { endOf, hashOf, inferenceKey, keyEntryOf, provider, workspace } from '../test-edge/fixtures.js';
import type { OpenedStream } from '../test-edge/scripted-bus.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  serve();
});
afterEach(async () => {
  await ingress.close();
});

const otherKey = newApiKey(randomBytes);
const strangerKey = newApiKey(randomBytes);
const named = (type: string, body: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...body })}\n\n`;

type Answer = (id: string, said: string) => { readonly parts: readonly string[]; readonly tail?: string };
const chat: Answer = (id, said) => ({
  parts: [
    JSON.stringify({
      ...{ id, object: 'chat.completion', created: 1_700_000_000, model: 'lab/small' },
      choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
    }),
  ],
});
const chatStream: Answer = (id, said) => ({
  parts: [...said].map(
    (content) =>
      `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1_700_000_000, choices: [{ index: 0, delta: { content } }] })}\n\n`,
  ),
});
const messages: Answer = (id, said) => ({
  parts: [JSON.stringify({ id, type: 'message', role: 'assistant', content: [{ type: 'text', text: said }] })],
});
const messagesStream: Answer = (id, said) => ({
  parts: [
    named('message_start', {
      message: { id, type: 'message', content: [], usage: { input_tokens: 10, output_tokens: 1 } },
    }),
    named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: said } }),
  ],
  tail:
    named('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } }) +
    named('message_stop', {}),
});
const responses: Answer = (id, said) => ({
  parts: [
    JSON.stringify({
      id,
      object: 'response',
      created_at: 1_700_000_000,
      status: 'completed',
      output: [{ text: said }],
    }),
  ],
});
const responsesStream: Answer = (id, said) => ({
  parts: [
    named('response.created', { sequence_number: 0, response: { id, created_at: 1_700_000_000, output: [] } }),
    named('response.output_text.delta', { sequence_number: 1, delta: said }),
  ],
  tail: named('response.completed', {
    sequence_number: 2,
    response: { id, created_at: 1_700_000_000, output: [{ text: said }] },
  }),
});
const vectors: Answer = () => ({
  parts: ['{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,-2e-3]}],"model":"lab/small"}'],
});

/** Workers that answer, each time with another word. */
const serve = (answer: Answer = chat, end: Partial<AttemptEnd> = {}): void => {
  ingress.bus.worker = ({ request, reader }: OpenedStream, ordinal): void => {
    const { parts, tail } = answer(request.generationId, `answer ${ordinal}`);
    reader.accepted('worker-test0001');
    for (const part of parts) reader.data(Buffer.from(part));
    reader.end(endOf({ totalBytes: parts.join('').length, ...(tail === undefined ? {} : { tail }), ...end }));
  };
};

const CACHE = { 'x-openrouter-cache': 'true' };
const BODY = { model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }] };
interface Told {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly id: string;
  readonly cache: string | null;
}
const ask = async (
  body: unknown = BODY,
  headers: Record<string, string> = CACHE,
  path = 'chat/completions',
  key = inferenceKey,
): Promise<Told> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  await sleep(1); // what is kept is kept in the background
  const told = (name: string): string | null => response.headers.get(name);
  const [id, cache] = [told('x-generation-id') ?? '', told('x-openrouter-cache-status')];
  return { status: response.status, text, headers: response.headers, id, cache };
};
/** Whether a second is served as the first was. */
const isAnsweredAgain = async (...asked: Parameters<typeof ask>): Promise<boolean> => {
  await ask(...asked);
  const before = ingress.bus.streams.length;
  const { cache } = await ask(...asked);
  expect(cache === 'HIT').toBe(ingress.bus.streams.length === before);
  return cache === 'HIT';
};
const keptKeys = async (): Promise<string[]> => (await ingress.bus.kv('answers')).keys();
const policies = (version: number, ...entries: Partial<PolicyEntry>[]): void => {
  for (const entry of entries) {
    const whole: PolicyEntry = { v: 1, version, id: 'strict', ...entry };
    ingress.bus.put('policies', SNAPSHOT_KEYS.policy(whole.id), whole);
  }
  ingress.bus.put('policies', SNAPSHOT_KEYS.head, { v: 1, version, entities: entries.length, at: 1_700_000_000_000 });
};

describe('the same request again', () => {
  it('is answered with the same text, without a plan, a lease, a worker or a charge', async () => {
    const first = await ask();
    const [asked, attempted] = [ingress.bus.asked.length, ingress.bus.streams.length];
    const second = await ask();
    expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
    expect([ingress.bus.asked.length, ingress.bus.streams.length]).toEqual([asked, attempted]);
    const [before, after] = [first, second].map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    expect(after?.['choices']).toEqual(before?.['choices']);
    expect(before).toMatchObject({ id: first.id, usage: { prompt_tokens: 10, cost: 0.00002 } });
    expect(after).toMatchObject({
      id: second.id,
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost: 0, is_byok: false },
    });
    expect(second.id).not.toBe(first.id);
    const { createdAt = 0 } = ingress.bus.trailLines.find(({ generationId }) => generationId === second.id) ?? {};
    expect(after?.['created']).toBe(Math.floor(createdAt / 1_000));
    // Its id was made a moment before, which may have been in another second.
    expect(after?.['created']).toBeGreaterThanOrEqual(Number(second.id.slice(4, 14)));
  });

  it('says in its headers whose answer it is, how old, and for how long still', async () => {
    const first = await ask(BODY, { ...CACHE, 'x-openrouter-cache-ttl': '900' });
    const second = await ask();
    expect(first.headers.get('x-openrouter-cache-ttl')).toBe('900');
    expect(first.headers.get('x-openrouter-cache-source-id')).toBeNull();
    expect(second.headers.get('x-openrouter-cache-source-id')).toBe(first.id);
    expect(Number(second.headers.get('x-openrouter-cache-age'))).toBeLessThan(60);
    expect(Number(second.headers.get('x-openrouter-cache-ttl'))).toBeGreaterThan(800);
    expect(second.headers.get('access-control-expose-headers')).toContain('X-OpenRouter-Cache-Status');
  });

  it('is in the trail with its source and the row of the outcome policy, and in no books', async () => {
    const first = await ask();
    const second = await ask(BODY, { ...CACHE, 'x-title': 'App' });
    const line = ingress.bus.trailLines.find(({ generationId }) => generationId === second.id);
    expect(line).toMatchObject({
      ...{ responseCacheSourceId: first.id, policyRow: 'cache-hit', outcome: 'completed', costPicodollars: '0' },
      ...{ attempts: [], usage: {}, model: 'lab/small', providerName: 'ALPHA', finishReason: 'stop', httpStatus: 200 },
      identity: { app: { title: 'App' } },
    });
    expect(ingress.bus.factLines.map(({ generationId }) => generationId)).toEqual([first.id]);

    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: line as GenerationRecorded }));
    const response = await fetch(`${ingress.url}/api/v1/generation?id=${second.id}`, {
      headers: { authorization: `Bearer ${inferenceKey}` },
    });
    expect(await response.json()).toMatchObject({
      data: {
        ...{ id: second.id, response_cache_source_id: first.id, policy_row: 'cache-hit', settled: true, charges: [] },
        ...{ total_cost: 0, usage: 0, tokens_prompt: 0, tokens_completion: 0, provider_responses: [] },
      },
    });
  });

  it('takes no hold, so that it is answered where the money is gone, and where nothing can be journalled', async () => {
    await ask();
    ingress.bus.rpc.clear();
    ingress.bus.factsHealthy = false;
    expect((await ask()).cache).toBe('HIT');
  });

  it.each<[string, string, Answer, object]>([
    ['chat', 'chat/completions', chatStream, { ...BODY, stream: true }],
    ['messages', 'messages', messagesStream, { ...BODY, max_tokens: 9, stream: true }],
    ['responses', 'responses', responsesStream, { model: 'lab/small', input: 'Hello', stream: true }],
  ])('is a stream where it asks for one: %s', async (_name, path, answer, body) => {
    serve(answer);
    const [first, second] = [await ask(body, CACHE, path), await ask(body, CACHE, path)];
    expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
    expect(second.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    // But for ids, times and usage it is the same, event by event.
    const plain = ({ text, id }: Told): string =>
      text
        .replaceAll(id, 'ID')
        .replace(/"created(_at)?":\d+/g, '"created":0')
        .replace(/"usage":\{(?:[^{}]|\{[^{}]*\})*\}/g, '"usage":{}');
    expect(plain(second)).toBe(plain(first));
    expect(first.text).toMatch(/"cost":0\.0000/);
    const figures = [...second.text.matchAll(/"(?:[a-z]+_tokens|cost)":([\d.]+)/g)].map(([, figure]) => Number(figure));
    expect(figures.length).toBeGreaterThan(3);
    expect(new Set(figures)).toEqual(new Set([0]));
  });

  it.each<[string, string, Answer, object]>([
    ['messages', 'messages', messages, { ...BODY, max_tokens: 9 }],
    ['responses', 'responses', responses, { model: 'lab/small', input: 'Hello' }],
    ['embeddings', 'embeddings', vectors, { model: 'lab/small', input: 'Hello' }],
  ])('is answered at %s, too', async (_name, path, answer, body) => {
    serve(answer);
    const [first, second] = [await ask(body, CACHE, path), await ask(body, CACHE, path)];
    const [before, after] = [first, second].map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    expect(second.cache).toBe('HIT');
    expect({ ...after, id: 0, created_at: 0, usage: 0 }).toEqual({ ...before, id: 0, created_at: 0, usage: 0 });
    expect(after?.['usage']).toMatchObject({ cost: 0 });
  });

  it('may order its members otherwise, and use other white space', async () => {
    await ask('{"model":"lab/small","messages":[{"role":"user","content":"Hello"}],"temperature":1}');
    expect(
      (await ask('{ "temperature":1, "messages":[{"content":"Hello","role":"user"}],\n"model":"lab/small"}')).cache,
    ).toBe('HIT');
  });

  it('with an Idempotency-Key leaves that free, since nothing was run for it', async () => {
    await ask();
    const once = { ...CACHE, 'idempotency-key': 'once' };
    expect((await ask(BODY, once)).cache).toBe('HIT');
    expect((await ask(BODY, once)).cache).toBe('HIT');
  });
});

describe('nothing is found', () => {
  it('without the header, and nothing is kept: the bucket is not even asked', async () => {
    ingress.bus.kvAnswers = false;
    expect((await ask(BODY, {})).cache).toBeNull();
    expect((await ask(BODY, { 'x-openrouter-cache': 'false' })).cache).toBeNull();
    ingress.bus.kvAnswers = true;
    expect(await keptKeys()).toEqual([]);
    expect((await ask()).cache).toBe('MISS');
    expect((await ask(BODY, {})).text).toContain('answer 3');
  });

  it.each<[string, unknown]>([
    ['another question', { ...BODY, messages: [{ role: 'user', content: 'Hello!' }] }],
    ['another parameter', { ...BODY, temperature: 0 }],
    ['a stream', { ...BODY, stream: true }],
    ['other preferences', { ...BODY, provider: { order: ['beta'] } }],
  ])('for %s', async (_name, body) => {
    await ask();
    expect((await ask(body)).cache).toBe('MISS');
  });

  it('for another key of the workspace, and for another workspace', async () => {
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(otherKey)), keyEntryOf(otherKey));
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('w2'), { ...workspace, id: 'w2' });
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(strangerKey)), keyEntryOf(strangerKey, { workspaceId: 'w2' }));
    await ask();
    for (const key of [otherKey, strangerKey]) {
      expect((await ask(BODY, CACHE, 'chat/completions', key)).cache).toBe('MISS');
      expect((await ask(BODY, CACHE, 'chat/completions', key)).cache).toBe('HIT');
    }
    expect(await keptKeys()).toHaveLength(3);
  });

  it('by a key that moved to another workspace', async () => {
    await ask();
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('w2'), { ...workspace, id: 'w2' });
    ingress.bus.put(
      'keys',
      SNAPSHOT_KEYS.key(hashOf(inferenceKey)),
      keyEntryOf(inferenceKey, { version: 2, workspaceId: 'w2' }),
    );
    expect((await ask()).cache).toBe('MISS');
  });

  it('where its time is over', async () => {
    const before = Date.now();
    await ask(BODY, { ...CACHE, 'x-openrouter-cache-ttl': '1' });
    const after = Date.now();
    const [key = ''] = await keptKeys();
    const { expiresAt } = (await (await ingress.bus.kv('answers')).get(key)) as { expiresAt: number };
    expect(expiresAt).toBeGreaterThanOrEqual(before + 1_000);
    expect(expiresAt).toBeLessThanOrEqual(after + 1_000);
    while (Date.now() < expiresAt) await sleep(10);
    expect((await ask()).cache).toBe('MISS');
  });

  it('where it is to be made anew: the new answer takes its place', async () => {
    await ask();
    const second = await ask(BODY, { ...CACHE, 'x-openrouter-cache-clear': 'true' });
    expect([second.cache, second.text.includes('answer 1')]).toEqual(['MISS', true]);
    const third = await ask();
    expect([third.cache, third.text.includes('answer 1')]).toEqual(['HIT', true]);
  });

  it('where what was kept was cleared by a request that then failed', async () => {
    await ask();
    ingress.bus.rpc.delete('route.plan');
    expect((await ask(BODY, { ...CACHE, 'x-openrouter-cache-clear': 'true' })).status).toBe(503);
    expect(await keptKeys()).toEqual([]);
  });

  it('at other APIs, whatever the header says', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from('{"id":"gen","results":[]}'));
      reader.end(endOf());
    };
    const rank = { model: 'lab/small', query: 'q?', documents: ['a'] };
    expect((await ask(rank, CACHE, 'rerank')).cache).toBeNull();
    expect((await ask({ model: 'lab/small', prompt: 'Hello' }, CACHE, 'completions')).cache).toBeNull();
    expect(await keptKeys()).toEqual([]);
  });

  it('where the bucket is away: the request runs as ever', async () => {
    await ask();
    ingress.bus.kvAnswers = false;
    const second = await ask();
    expect([second.status, second.cache, second.text.includes('answer 1')]).toEqual([200, 'MISS', true]);
  });
});

describe('nothing is kept or looked for', () => {
  const keyUnder = (changes: Parameters<typeof keyEntryOf>[1]): void =>
    ingress.bus.put(
      'keys',
      SNAPSHOT_KEYS.key(hashOf(inferenceKey)),
      keyEntryOf(inferenceKey, { version: 2, ...changes }),
    );
  const workspaceUnder = (policyId: string): void =>
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 2, policyId });

  it.each<[string, () => void, object]>([
    ['the request asks for zero retention', () => undefined, { provider: { zdr: true } }],
    ['the request denies collection', () => undefined, { provider: { data_collection: 'deny' } }],
    ['a guardrail of the key has zero retention', () => keyUnder({ policyId: 'strict' }), {}],
    ['a guardrail of its member has', () => keyUnder({ policyId: 'mild', memberPolicyId: 'strict' }), {}],
    ['the workspace has', () => workspaceUnder('strict'), {}],
    ['a guardrail denies collection', () => workspaceUnder('closed'), {}],
    ['a guardrail is not known here yet', () => keyUnder({ policyId: 'unheard-of' }), {}],
  ])('where %s', async (name, arrange, more) => {
    await ask({ ...BODY, ...more });
    await (await ingress.bus.kv('answers')).delete((await keptKeys())[0] ?? '');
    policies(
      2,
      { id: 'strict', zdr: true },
      { id: 'mild', allowedModels: ['lab/small'] },
      { id: 'closed', dataCollection: 'deny' },
    );
    arrange();
    const told = await ask({ ...BODY, ...more });
    expect(told.cache).toBeNull();
    expect(await keptKeys()).toEqual([]);
    const line = ingress.bus.trailLines.find(({ generationId }) => generationId === told.id);
    // Without its guardrail's budget nothing runs at all.
    if (!name.includes('not known')) expect(line?.warnings?.[0]).toMatchObject({ field: 'X-OpenRouter-Cache' });
  });

  it('not even what was kept before a guardrail forbade it', async () => {
    await ask();
    expect(await keptKeys()).toHaveLength(1);
    policies(2, { id: 'strict', zdr: true });
    workspaceUnder('strict');
    const again = await ask();
    expect([again.cache, again.text.includes('answer 1')]).toEqual([null, true]);
  });

  it('under a guardrail that changed: what it forbids now may have been allowed', async () => {
    policies(2, { id: 'strict' });
    workspaceUnder('strict');
    await ask();
    expect((await ask()).cache).toBe('HIT');
    policies(3, { id: 'strict', ignoredModels: ['lab/large'] });
    expect((await ask()).cache).toBe('MISS');
  });

  it('under task rules that changed, where the model is chosen by them', async () => {
    ingress.bus.put('catalog', SNAPSHOT_KEYS.provider('alpha'), provider('alpha', { version: 2, credentialId: 'c' }));
    ingress.bus.put('catalog', SNAPSHOT_KEYS.head, { v: 1, version: 2, entities: 5, at: 1_700_000_000_000 });
    const rules = (version: number, more: object): void =>
      ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
        ...{ ...workspace, version },
        taskRules: [{ name: 'all', when: 'true', models: ['lab/*'], ...more }],
      });
    const auto = { ...BODY, model: 'waystation/auto' };
    rules(2, {});
    expect([(await ask(auto)).cache, (await ask(auto)).cache, (await ask()).cache]).toEqual(['MISS', 'HIT', 'MISS']);
    rules(3, { zdr: true });
    expect([(await ask(auto)).cache, (await ask(auto)).cache]).toEqual(['MISS', 'MISS']);
    expect((await ask()).cache).toBe('HIT');
  });
});

describe('what is kept', () => {
  it.each<[string, Partial<AttemptEnd>, boolean]>([
    ['a completion', {}, true],
    ['tool calls', { finishReason: 'tool-calls', nativeFinishReason: 'tool_calls' }, true],
    ['what reached the limit that was asked for', { finishReason: 'length' }, true],
    ['what was cut because no more could be held', { finishReason: 'length', cutShort: true }, false],
    ['what a filter stopped', { finishReason: 'content-filter' }, false],
    ['what ended in an error', { finishReason: 'error' }, false],
    ['what was refused', { outcome: 'refused' }, false],
    ['what is empty', { outcome: 'empty' }, false],
    ['what broke', { outcome: 'failed-after-output' }, false],
    ['what was cancelled', { outcome: 'cancelled' }, false],
    ['what took too long', { outcome: 'timed-out' }, false],
  ])('%s', async (_name, end, kept) => {
    for (const [answer, stream] of [[chat, false] as const, [chatStream, true] as const]) {
      serve(answer, end);
      expect(await isAnsweredAgain({ ...BODY, stream })).toBe(kept);
    }
  });

  it('not what the remaining credit capped: with more of it the answer is another', async () => {
    const grant = ingress.bus.rpc.get('lease.grant');
    let asked = 0;
    const quota = { quotaId: 'key:1', scope: 'key', metric: 'usd', window: 'day' };
    const refused = { ...quota, code: 'limit_exceeded', asked: '1', left: '1000000000', limit: '5000000000' };
    ingress.bus.rpc.set('lease.grant', (request: never) => ((asked += 1) === 1 ? { refused } : grant?.(request)));
    const capped = await ask();
    expect(Number(capped.headers.get('x-waystation-output-cap'))).toBeGreaterThan(0);
    expect((await ask()).cache).toBe('MISS');
    expect((await ask()).cache).toBe('HIT');
  });

  it('no error, and the answer that comes when it is over', async () => {
    const { worker } = ingress.bus;
    ingress.bus.worker = ({ reader }) => reader.end(endOf({ outcome: 'failed-before-output' }));
    expect((await ask()).status).toBe(502);
    expect(await keptKeys()).toEqual([]);
    ingress.bus.worker = worker;
    expect((await ask()).cache).toBe('MISS');
    expect((await ask()).cache).toBe('HIT');
  });

  it('of an answer that took two endpoints only what the second said', async () => {
    const { worker } = ingress.bus;
    ingress.bus.worker = (stream, ordinal) => {
      if (stream.provider === 'beta') return worker(stream, ordinal);
      stream.reader.accepted('worker-test0001');
      stream.reader.data(Buffer.from('{"half":'));
      stream.reader.end(endOf({ outcome: 'failed-before-output' }));
    };
    const [first, second] = [await ask(), await ask()];
    expect(second.cache).toBe('HIT');
    expect(JSON.parse(second.text)).toMatchObject({
      choices: (JSON.parse(first.text) as { choices: unknown }).choices,
    });
  });

  it('no answer that is too long, and what is too long to ask is not compared', async () => {
    serve((id) => chat(id, 'x'.repeat(600_000)));
    expect(await isAnsweredAgain()).toBe(false);
    serve();
    const long = { ...BODY, messages: [{ role: 'user', content: 'x'.repeat(4 * 1024 * 1024) }] };
    expect((await ask(long)).cache).toBeNull();
  });

  it('nothing readable: neither question nor answer stands in the bucket', async () => {
    await ask();
    const bucket = await ingress.bus.kv('answers');
    const [key = ''] = await bucket.keys();
    const stored = JSON.stringify([key, await bucket.get(key)]);
    for (const word of ['answer', 'Hello', 'lab', 'default']) expect(stored).not.toContain(word);
  });
});

it('two that ask at once are both run: nobody waits for another', async () => {
  const { worker } = ingress.bus;
  const waiting: (() => void)[] = [];
  ingress.bus.worker = (stream, ordinal) => {
    waiting.push(() => worker(stream, ordinal));
    if (waiting.length === 2) for (const go of waiting) go();
  };
  const told = await Promise.all([ask(), ask()]);
  expect(told.map(({ cache }) => cache)).toEqual(['MISS', 'MISS']);
});
