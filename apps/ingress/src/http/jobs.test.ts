// POST /embeddings, /rerank and the other jobs over real HTTP: what goes to the worker, what comes back, what is held, charged and journalled, and what is refused.
import type { AttemptEnd, PlannedAttempt, RoutePlanReply } from '@waystation/contracts';
import { inferenceKey, managementKey, planned } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
});
afterEach(async () => {
  await ingress.close();
});

const planAt = (changes: Partial<PlannedAttempt>): void => {
  ingress.bus.rpc.set('route.plan', (): RoutePlanReply => ({
    ...{ attempts: [planned('alpha', changes)], excluded: [], snapshotRevision: 1, strategy: 'price' },
  }));
};
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${ingress.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const answering =
  (
    body: string | Buffer,
    usage: Record<string, number>,
    usageSource: AttemptEnd['usageSource'] = 'provider',
    contentType?: string,
  ): TestIngress['bus']['worker'] =>
  ({ reader }) => {
    reader.accepted('worker-test0001');
    reader.data(Buffer.from(body));
    reader.end({
      // Ends of jobs have no finish reason.
      ...{ outcome: 'completed', durationMs: 5, totalBytes: body.length, usage, usageSource },
      ...(contentType === undefined ? {} : { contentType }),
    });
  };

const EMBED = { model: 'lab/vectors', input: ['one', 'two'], user: 'alice' };
const VECTORS =
  '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,-2e-3]}],"model":"lab/vectors"}';
const RANK = { model: 'lab/ranks', query: 'q?', documents: ['zero', 'one'], top_n: 1 };
const RANKED =
  '{"id":"gen","model":"lab/ranks","provider":"ALPHA","results":[{"index":1,"relevance_score":0.9,"document":{"text":"one"}}]}';

describe('embeddings', () => {
  beforeEach(() => {
    planAt({ price: { perUnit: { input: '20000', output: '0' } }, context: 8_192 });
    ingress.bus.worker = answering(VECTORS, { input: 12 });
  });

  it.each(['/api/v1', '/v1'])(
    'under %s come with their exact cost, and pass otherwise as the worker gave them',
    async (prefix) => {
      const response = await post(`${prefix}/embeddings`, EMBED);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
      expect(response.headers.get('x-generation-id')).toMatch(/^gen-/);
      const text = await response.text();
      expect(text).toContain('"embedding":[0.10,-2e-3]');
      expect(JSON.parse(text)).toMatchObject({
        usage: { prompt_tokens: 12, total_tokens: 12, cost: 0.00000024, is_byok: false },
      });
    },
  );

  it('are charged to the picodollar, journalled and recorded', async () => {
    await post('/api/v1/embeddings', EMBED);
    const [line] = ingress.bus.factLines;
    expect(line?.outcome).toBe('completed');
    expect(line?.attempts[0]).toMatchObject({
      usage: { input: 12 },
      usageSource: 'provider',
      price: { perUnit: { input: '20000' } },
    });
    expect(ingress.bus.trailLines[0]).toMatchObject({
      api: 'embeddings',
      costPicodollars: '240000',
      stream: false,
      outcome: 'completed',
    });
  });

  it('are planned and asked as a job of their own, without an output cap', async () => {
    await post('/api/v1/embeddings', EMBED);
    const plan = ingress.bus.asked.find(({ name }) => name === 'route.plan')?.request;
    expect(plan?.['features']).toMatchObject({
      api: 'embeddings',
      dialect: 'embeddings',
      maxOutputTokens: 0,
      outputModalities: [],
    });
    expect(JSON.stringify(plan)).not.toContain('one');
    const { request, body } = ingress.bus.streams[0] ?? {};
    expect(request).toMatchObject({ dialect: 'embeddings', stream: false, inputs: 2 });
    expect(request?.outputCap).toBeUndefined();
    expect(JSON.parse(body ?? '')).toEqual(EMBED);
  });

  it('are held for by their bytes, by their tokens where they are tokens, and for several contexts where they are several', async () => {
    const holdOf = async (input: unknown): Promise<bigint> => {
      await post('/api/v1/embeddings', { model: 'lab/vectors', input });
      return BigInt(ingress.bus.streams.at(-1)?.request.holdPicodollars ?? 0);
    };
    const long = 'x'.repeat(20_000);
    expect(await holdOf([1, 2, 3])).toBe((3n + 64n + 16n) * 20_000n);
    expect(await holdOf(long)).toBe(8_192n * 20_000n);
    expect(await holdOf([long, long])).toBe(2n * 8_192n * 20_000n);
  });

  it('whose usage was estimated say so', async () => {
    ingress.bus.worker = answering(VECTORS, { input: 7 }, 'estimated');
    expect(await (await post('/api/v1/embeddings', EMBED)).json()).toMatchObject({
      usage: { prompt_tokens: 7, cost: 0.00000014 },
    });
    expect(ingress.bus.trailLines[0]?.usageSource).toBe('estimated');
  });

  it('carry tags and app, and run once for an idempotency key', async () => {
    const headers = { 'idempotency-key': 'k-1', 'x-waystation-tags': 'team:red', 'x-title': 'App' };
    expect((await post('/api/v1/embeddings', EMBED, headers)).status).toBe(200);
    expect((await post('/api/v1/embeddings', EMBED, headers)).status).toBe(409);
    expect(ingress.bus.streams).toHaveLength(1);
    expect(ingress.bus.streams[0]?.request.identity).toMatchObject({
      endUserId: 'alice',
      tags: ['team:red'],
      app: { title: 'App' },
    });
  });

  it('that are no JSON object are an error, and never charged', async () => {
    ingress.bus.worker = answering('oops', { input: 1 });
    expect((await post('/api/v1/embeddings', EMBED)).status).toBe(502);
    expect(ingress.bus.trailLines[0]).toMatchObject({ costPicodollars: '0', errorCode: 'provider_invalid_response' });
  });
});

describe('rerank', () => {
  beforeEach(() => {
    planAt({ price: { perUnit: { input: '0', output: '0', searchUnits: '2000000000' } } });
    ingress.bus.worker = answering(RANKED, { searchUnits: 1 });
  });

  it('comes with its search units and their exact cost', async () => {
    const response = await post('/api/v1/rerank', RANK);
    expect(await response.json()).toEqual({
      ...(JSON.parse(RANKED) as object),
      usage: { search_units: 1, cost: 0.002 },
    });
    expect(ingress.bus.trailLines[0]).toMatchObject({ api: 'rerank', costPicodollars: '2000000000' });
    expect(ingress.bus.factLines[0]?.attempts[0]).toMatchObject({
      usage: { searchUnits: 1 },
      holdPicodollars: '2000000000',
    });
  });

  it('is held for by the search units that it can come to', async () => {
    await post('/api/v1/rerank', { ...RANK, documents: Array.from({ length: 250 }, () => 'a') });
    expect(ingress.bus.streams[0]?.request.holdPicodollars).toBe('6000000000');
  });

  it('by the token costs what its tokens cost', async () => {
    planAt({ price: { perUnit: { input: '50000', output: '0' } } });
    ingress.bus.worker = answering(RANKED, { input: 40 });
    expect(await (await post('/v1/rerank', RANK)).json()).toMatchObject({
      usage: { total_tokens: 40, cost: 0.000002 },
    });
  });
});

describe('images', () => {
  const DRAW = { model: 'lab/paint', prompt: 'a red panda', n: 2 };
  const DRAWN = '{"created":1700000000,"data":[{"b64_json":"iVBORw0KGgo=","media_type":"image/png"}]}';

  it.each(['/api/v1/images', '/v1/images/generations'])('at %s come with their exact cost', async (path) => {
    planAt({ price: { perUnit: { input: '5000000', output: '0', imageOutput: '40000000' } } });
    ingress.bus.worker = answering(DRAWN, { input: 10, imageOutput: 1_000, outputImages: 1 });
    expect(await (await post(path, DRAW)).json()).toMatchObject({
      ...(JSON.parse(DRAWN) as object),
      usage: { prompt_tokens: 10, completion_tokens: 1_000, total_tokens: 1_010, cost: 0.04005 },
    });
    expect(ingress.bus.trailLines[0]).toMatchObject({ api: 'images', costPicodollars: '40050000000' });
  });

  it('are held for one by one, in tokens and in pieces, and those that came are charged', async () => {
    planAt({ price: { perUnit: { input: '0', output: '0', outputImages: '40000000000', imageOutput: '1' } } });
    ingress.bus.worker = answering(DRAWN, { outputImages: 1 });
    await post('/api/v1/images', DRAW);
    expect(ingress.bus.streams[0]?.request).toMatchObject({
      holdPicodollars: String(2 * (40_000_000_000 + 16_384)),
      inputs: 2,
    });
    expect(ingress.bus.trailLines[0]?.costPicodollars).toBe('40000000000');
  });

  it('come in one body where a stream is asked for, and the record says so', async () => {
    planAt({});
    ingress.bus.worker = answering(DRAWN, { outputImages: 1 });
    const response = await post('/api/v1/images', { ...DRAW, stream: true });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(ingress.bus.trailLines[0]?.warnings).toEqual([expect.objectContaining({ field: 'stream' })]);
  });
});

describe('speech', () => {
  const SPEAK = { model: 'lab/voice', input: 'Grüß Gott', voice: 'alloy' };
  const sound = Buffer.from([0x00, 0xff, 0x7b, 0x80, 0x0a]);
  beforeEach(() => {
    planAt({ price: { perUnit: { input: '0', output: '0', characters: '15000000' } } });
    ingress.bus.worker = answering(sound, { characters: 9 }, 'provider', 'audio/mpeg');
  });

  it('comes as bytes, under the provider’s content type, charged by the character', async () => {
    const response = await post('/v1/audio/speech', SPEAK);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    expect(response.headers.get('x-generation-id')).toMatch(/^gen-/);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(sound);
    expect(ingress.bus.trailLines[0]).toMatchObject({ api: 'speech', costPicodollars: '135000000' });
    expect(ingress.bus.streams[0]?.request).toMatchObject({ dialect: 'speech', holdPicodollars: '135000000' });
  });

  it('without a byte is an error, and never charged', async () => {
    ingress.bus.worker = answering('', { characters: 9 });
    const response = await post('/v1/audio/speech', SPEAK);
    expect([response.status, response.headers.get('content-type')]).toEqual([502, 'application/json; charset=utf-8']);
    expect(ingress.bus.trailLines[0]?.costPicodollars).toBe('0');
  });
});

describe('transcriptions', () => {
  const HEARD = '{"text":"Gr\\u00fc\\u00df Gott"}';
  const data = Buffer.alloc(7_500).toString('base64');
  const LISTEN = { model: 'lab/ears', input_audio: { data, format: 'mp3' } };
  beforeEach(() => {
    planAt({ price: { perUnit: { input: '0', output: '0', seconds: '100000000' } }, context: 448 });
    ingress.bus.worker = answering(HEARD, { seconds: 9 });
  });
  const postForm = (fields: Readonly<Record<string, string | File>>, headers: object = {}): Promise<Response> => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return fetch(`${ingress.url}/v1/audio/transcriptions`, {
      ...{ method: 'POST', body, headers: { authorization: `Bearer ${inferenceKey}`, ...headers } },
    });
  };
  const file = new File([Buffer.alloc(7_500)], 'talk.mp3');

  it('come with their seconds and their exact cost, held for by the longest that so many bytes can last', async () => {
    const response = await post('/api/v1/audio/transcriptions', LISTEN);
    expect([response.status, await response.json()]).toEqual([
      200,
      { text: 'Grüß Gott', usage: { type: 'duration', seconds: 9, cost: 0.0009 } },
    ]);
    expect(ingress.bus.streams[0]?.request).toMatchObject({ dialect: 'transcriptions', holdPicodollars: '1000000000' });
    expect(ingress.bus.streams[0]?.request.outputCap).toBeUndefined();
    expect(ingress.bus.trailLines[0]).toMatchObject({ api: 'transcriptions', costPicodollars: '900000000' });
    const plan = ingress.bus.asked.find(({ name }) => name === 'route.plan')?.request;
    expect(plan?.['features']).toMatchObject({ api: 'transcriptions', inputModalities: ['audio'], maxOutputTokens: 0 });
  });

  it('by the token are held for by their text, too, as long as a context at most', async () => {
    planAt({ price: { perUnit: { input: '0', output: '10000000' } }, context: 448 });
    ingress.bus.worker = answering(HEARD, { audioInput: 80, output: 30 });
    expect(await (await post('/v1/audio/transcriptions', LISTEN)).json()).toMatchObject({
      usage: { input_tokens: 80, output_tokens: 30, total_tokens: 110, cost: 0.0003 },
    });
    expect(ingress.bus.streams[0]?.request.holdPicodollars).toBe(String(256 * 10_000_000));
    const long = { data: Buffer.alloc(750 * 100).toString('base64'), format: 'mp3' };
    await post('/v1/audio/transcriptions', { ...LISTEN, input_audio: long });
    expect(ingress.bus.streams[1]?.request.holdPicodollars).toBe(String(448 * 10_000_000));
  });

  it('asked for by a form are those asked for by JSON, once for an idempotency key', async () => {
    const headers = { 'idempotency-key': 'k-form' };
    expect((await postForm({ file, model: 'lab/ears' }, headers)).status).toBe(200);
    expect(JSON.parse(ingress.bus.streams[0]?.body ?? '')).toEqual(LISTEN);
    // Another boundary, and the same request.
    expect((await postForm({ file, model: 'lab/ears' }, headers)).status).toBe(409);
    expect(ingress.bus.streams).toHaveLength(1);
  });

  it.each<[string, Readonly<Record<string, string | File>>, string]>([
    ['a file', { model: 'lab/ears' }, 'file: Invalid request: file is required'],
    ['a model', { file }, 'No models provided'],
    ['a format', { file: new File(['x'], 'talk'), model: 'a/b' }, 'file: Expected a name that ends in the format'],
  ])('asked for by a form without %s are refused, and nothing is asked', async (_name, fields, message) => {
    const response = await postForm(fields);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.objectContaining({ code: 400, message: expect.stringContaining(message) as unknown }) },
    ]);
    expect([ingress.bus.streams, ingress.bus.factLines]).toEqual([[], []]);
  });
});

describe('a bad request', () => {
  it.each<[string, string, unknown, number, string, string]>([
    [
      'embeddings',
      'of no JSON',
      '{"model":',
      400,
      'malformed_json',
      'The request body is not valid JSON, or is nested deeper than 512 levels.',
    ],
    ['embeddings', 'that is empty', '', 400, 'malformed_json', 'The request body is empty; expected a JSON object.'],
    [
      'embeddings',
      'without input',
      { model: 'a/b' },
      400,
      'invalid_request',
      'input: Invalid request: input is required',
    ],
    [
      'embeddings',
      'with an empty input',
      { model: 'a/b', input: [] },
      400,
      'invalid_request',
      'input: Array must contain at least 1 element(s)',
    ],
    ['embeddings', 'without a model', { input: 'x' }, 400, 'invalid_request', 'No models provided'],
    [
      'embeddings',
      'for a stream',
      { model: 'a/b', input: 'x', stream: true },
      400,
      'invalid_request',
      'stream: embeddings does not stream; leave it out',
    ],
    [
      'embeddings',
      'with a misspelt preference',
      { model: 'a/b', input: 'x', provider: { zrd: true } },
      400,
      'unknown_parameter',
      "Unrecognized key(s) in object: 'zrd'",
    ],
    [
      'embeddings',
      'with a field twice',
      '{"model":"a/b","model":"c/d","input":"x"}',
      400,
      'invalid_request',
      'model: the field stands in the body more than once',
    ],
    [
      'rerank',
      'without a query',
      { model: 'a/b', documents: ['a'] },
      400,
      'invalid_request',
      'query: Invalid request: query is required',
    ],
    [
      'rerank',
      'without documents',
      { model: 'a/b', query: 'q' },
      400,
      'invalid_request',
      'documents: Invalid request: documents is required',
    ],
    [
      'images',
      'without a prompt',
      { model: 'a/b' },
      400,
      'invalid_request',
      'prompt: Invalid request: prompt is required',
    ],
    [
      'images',
      'of eleven',
      { model: 'a/b', prompt: 'x', n: 11 },
      400,
      'invalid_request',
      'n: Number must be less than or equal to 10, received 11',
    ],
    [
      'images',
      'of two sizes',
      { model: 'a/b', prompt: 'x', size: '1024x1024', aspect_ratio: '16:9' },
      400,
      'invalid_request',
      "aspect_ratio: '16:9' differs from size '1024x1024'; send one of them",
    ],
    [
      'audio/speech',
      'without input',
      { model: 'a/b' },
      400,
      'invalid_request',
      'input: Invalid request: input is required',
    ],
    [
      'audio/speech',
      'of nothing',
      { model: 'a/b', input: '' },
      400,
      'invalid_request',
      'input: String must contain at least 1 character(s)',
    ],
    [
      'audio/speech',
      'of a list',
      { model: 'a/b', input: ['x'] },
      400,
      'invalid_request',
      'input: Expected string, received array',
    ],
    [
      'audio/speech',
      'in a cloned voice',
      { model: 'a/b', input: 'x', input_references: [] },
      400,
      'invalid_request',
      'input_references: voices cannot be cloned here; leave it out',
    ],
    [
      'audio/speech',
      'at no speed',
      { model: 'a/b', input: 'x', speed: 0 },
      400,
      'invalid_request',
      'speed: Number must be greater than or equal to 0.25, received 0',
    ],
    [
      'audio/speech',
      'as a picture',
      { model: 'a/b', input: 'x', response_format: 'png' },
      400,
      'invalid_request',
      "response_format: Invalid enum value. Expected 'mp3' | 'pcm' | 'opus' | 'aac' | 'flac' | 'wav', received \"png\"",
    ],
    [
      'audio/transcriptions',
      'without a sound',
      { model: 'a/b' },
      400,
      'invalid_request',
      'input_audio: Invalid request: input_audio is required',
    ],
    [
      'audio/transcriptions',
      'as subtitles',
      { model: 'a/b', input_audio: { data: 'AAAA', format: 'wav' }, response_format: 'vtt' },
      400,
      'invalid_request',
      "response_format: Invalid enum value. Expected 'json' | 'verbose_json', received \"vtt\"",
    ],
    [
      'rerank',
      'for the best none',
      { ...RANK, top_n: 0 },
      400,
      'invalid_request',
      'top_n: Number must be greater than or equal to 1, received 0',
    ],
  ])('to %s %s is refused, and nothing is asked, held or written', async (job, _name, body, status, code, message) => {
    const response = await post(`/api/v1/${job}`, body);
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: { code: status, message, metadata: expect.objectContaining({ waystation_code: code }) } },
    ]);
    expect([ingress.bus.streams, ingress.bus.factLines, ingress.bus.trailLines]).toEqual([[], [], []]);
  });

  it.each(['embeddings', 'rerank', 'images', 'audio/speech', 'audio/transcriptions'])(
    'to %s with a management key or none is refused',
    async (job) => {
      expect((await post(`/api/v1/${job}`, {}, { authorization: `Bearer ${managementKey}` })).status).toBe(403);
      expect((await post(`/api/v1/${job}`, {}, { authorization: 'Bearer x' })).status).toBe(401);
    },
  );

  it.each(['embeddings', 'rerank', 'images', 'audio/speech', 'audio/transcriptions'])(
    'to %s by GET is 405',
    async (job) => {
      const response = await fetch(`${ingress.url}/api/v1/${job}`, {
        headers: { authorization: `Bearer ${inferenceKey}` },
      });
      expect(response.status).toBe(405);
    },
  );

  it('that no credit covers is 402, and nothing is asked', async () => {
    planAt({ price: { perUnit: { input: '20000', output: '0' } } });
    ingress.bus.rpc.set('lease.grant', () => ({
      refused: {
        ...{
          code: 'insufficient_credits',
          quotaId: 'wallet:default',
          scope: 'wallet',
          scopeId: 'default',
          metric: 'usd',
        },
        ...{ window: 'lifetime', windowStart: 0, asked: '1', left: '0' },
      },
    }));
    const response = await post('/api/v1/embeddings', EMBED);
    expect([response.status, ingress.bus.streams]).toEqual([402, []]);
  });
});
