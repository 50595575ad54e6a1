// The whole worker over a real bus: what the caller gets, what the provider sees, and what the journal and the routers are told.
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { connectBus, provisionStreams, type Bus, type Consumer } from '@waystation/bus';
import {
  AttemptHeld,
  AttemptNeed,
  AttemptRun,
  HealthCounters,
  SNAPSHOT_KEYS,
  moneyLine,
  type AttemptEnd,
  type AttemptRunRequest,
  type CapacityLimits,
  type HealthMessage,
  type HealthSubject,
  type MoneyLine,
  type ProviderEntry,
  type WaystationError,
} from '@waystation/contracts';
import { createHealth, createMetrics, newWorkerKeyPair, sealSecret, type AppContext } from '@waystation/runtime';
import { fakeUpstream, natsServer, type FakeUpstream, type TestNats } from '@waystation/testing';
import pino from 'pino';
import { AttemptHandler } from './attempt.handler.js';
import { Allowances } from './attempt/allowances.js';
import { workerConfig, type WorkerConfig } from './config.js';
import { attemptBody, attemptRequest, chatChunks } from './test-edge/attempt-request.js';
import { createWorker, type Worker } from './worker.js';

const keys = newWorkerKeyPair();
const SECRET = 'sk-lab-canary-0123456789';

/** NATS may stand still for a while on a busy machine: what becomes of that is tested elsewhere. */
const PATIENCE_MS = 20_000;
const BUS_TIMES = {
  lostAfterMs: PATIENCE_MS,
  journalAckTimeoutMs: PATIENCE_MS,
  journalSilenceMs: PATIENCE_MS,
  rpcTimeoutMs: PATIENCE_MS,
};

let nats: TestNats;
let upstream: FakeUpstream;
let ingress: Bus;
let control: Bus;
let consumer: Consumer;
const lines: MoneyLine[] = [];

const providerEntry = (slug: string, more: Partial<ProviderEntry> = {}): ProviderEntry => ({
  v: 1,
  version: 1,
  slug,
  name: 'Lab',
  dialect: 'openai-chat',
  baseUrl: `${upstream.url}/v1`,
  allowPrivateAddress: true,
  credentialId: 'cred-1',
  headers: { 'x-title': 'way' },
  dataPolicy: { retains: false, trains: false },
  billsAfterCancel: false,
  ...more,
});

const serviceAccount = (): string => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return JSON.stringify({
    client_email: 'relay@lab-canary.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
};

beforeAll(async () => {
  nats = await natsServer();
  upstream = await fakeUpstream((_request, reply) => reply.sse(chatChunks(3)));
  const connect = (service: string): Promise<Bus> =>
    connectBus({ url: nats.url, service, services: [service], release: 'test', times: BUS_TIMES });
  [ingress, control] = await Promise.all([connect('ingress'), connect('control')]);
  await provisionStreams(control, {}, ['FACTS', 'TRAIL', 'buckets']);
  const catalog = await control.kv('catalog');
  const entries = [
    providerEntry('lab'),
    providerEntry('tenant', { allowPrivateAddress: false }),
    providerEntry('stranger', { dialect: 'morse' }),
    providerEntry('keyless', { credentialId: 'cred-none' }),
    providerEntry('narrow', { maxConnections: 1 }),
    providerEntry('vertex', {
      dialect: 'gemini',
      credentialId: 'cred-google',
      baseUrl: `${upstream.url}/publishers/google`,
    }),
  ];
  for (const entry of entries) await catalog.put(SNAPSHOT_KEYS.provider(entry.slug), entry);
  await catalog.put(SNAPSHOT_KEYS.head, { v: 1, version: 1, entities: entries.length, at: 1 });
  await (
    await control.kv('credentials')
  ).put(SNAPSHOT_KEYS.credential('cred-1'), {
    v: 1,
    version: 1,
    id: 'cred-1',
    provider: 'lab',
    kind: 'bearer',
    sealed: sealSecret(keys.publicKey, SECRET, 'cred-1'),
  });
  await (
    await control.kv('credentials')
  ).put(SNAPSHOT_KEYS.credential('cred-google'), {
    v: 1,
    version: 1,
    id: 'cred-google',
    provider: 'vertex',
    kind: 'google-service-account',
    sealed: sealSecret(keys.publicKey, serviceAccount(), 'cred-google'),
  });
  await (
    await control.kv('credentials')
  ).put(SNAPSHOT_KEYS.credential('own-0'), {
    ...{ v: 1, version: 1, id: 'own-0', provider: 'lab', workspaceId: 'ws-1', kind: 'bearer', origin: upstream.url },
    sealed: sealSecret(keys.publicKey, SECRET, 'own-0'),
  });
  await (
    await control.kv('credentials')
  ).put(SNAPSHOT_KEYS.credential('own-google'), {
    ...{ v: 1, version: 1, id: 'own-google', provider: 'vertex', workspaceId: 'ws-1', origin: upstream.url },
    kind: 'google-service-account',
    sealed: sealSecret(keys.publicKey, serviceAccount(), 'own-google'),
  });
  await (
    await control.kv('credentials')
  ).put(SNAPSHOT_KEYS.credential('cred-limited'), {
    ...{ v: 1, version: 1, id: 'cred-limited', provider: 'lab', kind: 'bearer' },
    sealed: sealSecret(keys.publicKey, SECRET, 'cred-limited'),
  });
  consumer = await control.consume('FACTS', { batchLines: 100, maxInFlight: 10 }, async (batch) => {
    for (const { line } of batch) lines.push(moneyLine.parse(line));
  });
});

afterAll(async () => {
  await consumer.drain();
  await Promise.all([ingress.close(1_000), control.close(1_000)]);
  await upstream.close();
  await nats.stop();
});

interface Running {
  readonly bus: Bus;
  readonly worker: Worker;
  readonly logged: string[];
  readonly metrics: AppContext<WorkerConfig>['metrics'];
  stopping: AbortController;
  close(): Promise<void>;
}

const connectWorker = (): Promise<Bus> =>
  connectBus({ url: nats.url, service: 'worker', services: ['worker'], release: 'test', times: BUS_TIMES });

const startWorker = async (
  environment: Record<string, string> = {},
  scaleMs = (ms: number) => Math.max(1, ms / 10),
): Promise<Running> => {
  const bus = await connectWorker();
  const stopping = new AbortController();
  const logged: string[] = [];
  const metrics = createMetrics();
  const health = createHealth();
  const made = createWorker({
    name: 'worker',
    config: workerConfig.parse({ WAYSTATION_WORKER_PRIVATE_KEY: keys.privateKey, ...environment }),
    bus,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    metrics,
    health,
    release: 'test',
    mode: 'development',
    scaleMs,
    stopping: stopping.signal,
  });
  const allowances = new Allowances(bus, { repeatMs: 50, waitMs: PATIENCE_MS });
  const worker: Worker = {
    ...made,
    allowances,
    relayOptions: (...asked) => ({ ...made.relayOptions(...asked), journalMs: PATIENCE_MS }),
  };
  const handler = new AttemptHandler(worker);
  const subscription = await bus.handleStream(AttemptRun, undefined, (request, body, writer) =>
    handler.run(request, body, writer),
  );
  for (let waited = 0; !health.ready() || !bus.facts.healthy; waited += 10) {
    if (waited > 15_000) throw new Error(`the worker does not get ready: ${JSON.stringify(health.report())}`);
    await sleep(10);
  }
  return {
    bus,
    worker,
    logged,
    metrics,
    stopping,
    async close() {
      await subscription.drain();
      await allowances.drain();
      await worker.close();
      await bus.close(1_000);
    },
  };
};

interface Answer {
  readonly text: string;
  readonly end?: AttemptEnd;
  readonly error?: WaystationError;
}

interface Call {
  readonly answer: Promise<Answer>;
  readonly text: () => string;
  cancel(): void;
}

const call = (request: AttemptRunRequest, body: Buffer): Call => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const text = (): string => Buffer.concat(chunks).toString();
  let settle: (answer: Answer) => void = () => undefined;
  const answer = new Promise<Answer>((resolve) => (settle = resolve));
  const stream = ingress.openStream(
    AttemptRun,
    request.attempt.provider,
    request,
    body,
    { deadlineAt: request.deadlineAt, acceptTimeoutMs: 10_000 },
    {
      accepted: () => undefined,
      data(chunk) {
        chunks.push(Buffer.from(chunk));
        bytes += chunk.length;
        stream.consumed(bytes);
      },
      end: (end) => settle({ text: text(), end }),
      fail: (error) => settle({ text: text(), error }),
    },
  );
  return { answer, text, cancel: () => stream.cancel('client-gone') };
};

const run = (
  given: Parameters<typeof attemptRequest>[1] = {},
  more: Record<string, unknown> = {},
): Call & { request: AttemptRunRequest } => {
  const body = attemptBody({ stream: given.stream ?? true, ...more });
  const request = attemptRequest(body, given);
  return { ...call(request, body), request };
};

const linesOf = async (request: AttemptRunRequest, kinds: number): Promise<MoneyLine[]> => {
  const mine = (): MoneyLine[] => lines.filter((line) => 'attemptId' in line && line.attemptId === request.attemptId);
  for (let waited = 0; mine().length < kinds; waited += 10) {
    if (waited > 15_000) throw new Error(`the journal has only ${JSON.stringify(mine().map(({ kind }) => kind))}`);
    await sleep(10);
  }
  return mine();
};
const finishedOf = async (request: AttemptRunRequest): Promise<MoneyLine | undefined> => {
  const find = (): MoneyLine | undefined =>
    lines.find((line) => line.kind === 'attempt.finished' && line.attemptId === request.attemptId);
  await until('the end of the attempt is journalled', () => find() !== undefined);
  return find();
};
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 15_000) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
};

const eventually = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await condition()); tries += 1) {
    if (tries > 500) throw new Error(`tried in vain until ${what}`);
    await sleep(20);
  }
};

describe('a worker', () => {
  let running: Running;
  beforeAll(async () => {
    running = await startWorker({ WAYSTATION_WORKER_ATTEMPTS_MAX: '4' });
  });
  afterAll(() => running.close());
  beforeEach(() => upstream.script((_request, reply) => reply.sse(chatChunks(3))));

  it('relays a stream, tells the provider only what it may know, and journals both ends', async () => {
    const { answer, request } = run(
      { endUserId: 'alice@example.com' },
      { user: 'alice@example.com', session_id: 's-1' },
    );
    const { text, end } = await answer;
    expect(text).toContain(`"id":"${request.generationId}"`);
    expect(text).toContain('"model":"lab/small"');
    expect(text).toContain('"provider":"Lab"');
    expect(end).toMatchObject({
      outcome: 'completed',
      finishReason: 'stop',
      usage: { input: 5, output: 3 },
      usageSource: 'provider',
      totalBytes: text.length,
      upstreamId: 'up-1',
      upstreamStatus: 200,
    });

    const asked = upstream.requests.at(-1);
    expect(asked?.path).toBe('/v1/chat/completions');
    expect(asked?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-title': 'way' });
    expect(asked?.json()).toEqual({
      model: 'm-1',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'hi' }],
      user: expect.stringMatching(/^user-[0-9a-f]{32}$/),
    });

    // A run that a slow machine stretches beyond two seconds has a line of progress between them.
    const finished = await finishedOf(request);
    const [started] = await linesOf(request, 2);
    const backing = {
      leaseId: 'lease-00000000',
      holdPicodollars: '1000',
      quotaSet: ['wallet:ws-1'],
      identity: request.identity,
      worker: running.bus.instance,
    };
    expect(request.identity.tags).toEqual(['nightly']);
    expect(started).toMatchObject({ kind: 'attempt.started', ...backing });
    expect(finished).toMatchObject({
      kind: 'attempt.finished',
      ...backing,
      outcome: 'completed',
      usage: { input: 5, output: 3 },
      upstreamId: 'up-1',
    });
  });

  it('relays a body that is no stream', async () => {
    upstream.script((_request, reply) =>
      reply.json(200, {
        id: 'up-2',
        object: 'chat.completion',
        created: 1,
        model: 'm-1',
        choices: [{ index: 0, message: { content: 'hello' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 4, completion_tokens: 1 },
      }),
    );
    const { answer, request } = run({ stream: false });
    const { text, end } = await answer;
    expect(JSON.parse(text)).toMatchObject({
      id: request.generationId,
      model: 'lab/small',
      provider: 'Lab',
      usage: { prompt_tokens: 4 },
    });
    expect(end?.usage).toEqual({ input: 4, output: 1 });
  });

  it('tells what it left out and what it had to estimate', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(3, { usage: false })));
    const { end } = await run({ dropParameters: ['top_k'] }, { top_k: 5 }).answer;
    expect(end).toMatchObject({ usage: { input: 5, output: 3 }, usageSource: 'estimated' });
    expect(end?.warnings?.map(({ code }) => code)).toEqual(['unsupported-parameter', 'estimated-usage']);
    expect(upstream.requests.at(-1)?.json()).not.toHaveProperty('top_k');
  });

  it('fails with the provider’s refusal, and the journal knows it', async () => {
    upstream.script((_request, reply) => reply.json(429, { error: { message: 'slow down' } }, { 'retry-after': '2' }));
    const { answer, request } = run();
    expect((await answer).error).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 2_000 });
    expect(await finishedOf(request)).toMatchObject({
      outcome: 'failed-before-output',
      errorCode: 'provider_rate_limited',
      usage: {},
    });
  });

  it('ends an empty completion as empty, with its usage, and shows nothing', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(0, {})));
    const { answer, request } = run();
    const { text, end } = await answer;
    expect([text, end?.outcome]).toEqual(['', 'empty']);
    expect(await finishedOf(request)).toMatchObject({ outcome: 'empty', errorCode: 'provider_empty' });
  });

  it('cancels upstream with the caller, and journals what was delivered', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(1_000), { everyMs: 10 }));
    const { text, cancel, request } = run();
    await until('five tokens were delivered', () => text().includes('w4 '));
    cancel();
    await upstream.requests.at(-1)?.over;
    expect(upstream.requests.at(-1)?.abandoned).toBe(true);
    const finished = await finishedOf(request);
    expect(finished).toMatchObject({ kind: 'attempt.finished', outcome: 'cancelled', usageSource: 'estimated' });
  });

  it('listens on where the provider bills to the end', async () => {
    let goOn = (): void => undefined;
    const left = new Promise<void>((resolve) => (goOn = resolve));
    upstream.script(async (_request, reply) => {
      const chunks = chatChunks(60);
      await reply.sse(chunks.slice(0, 10), { end: false });
      await left;
      for (const chunk of chunks.slice(10))
        reply.raw.write(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`);
      reply.raw.end();
    });
    const { text, cancel, request } = run({ billsAfterCancel: true });
    await until('five tokens were delivered', () => text().includes('w4 '));
    cancel();
    await until('the worker knows', () => running.worker.inFlight.drainingCount === 1);
    goOn();
    const finished = await finishedOf(request);
    expect(finished).toMatchObject({ outcome: 'cancelled', usage: { input: 5, output: 60 }, usageSource: 'provider' });
  });

  it('ends with the deadline', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(1_000), { everyMs: 10 }));
    // An hour, which is over when the test says so: a time that is worth waiting for may be over before a busy machine has begun.
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const { answer, text, request } = run({ deadlineMs: 3_600_000 });
    await until('it runs', () => text() !== '');
    const deadlines = timers.mock.calls.filter(([, ms = 0]) => ms > 3_000_000);
    timers.mockRestore();
    // The caller's and the worker's.
    expect(deadlines).toHaveLength(2);
    for (const [passed] of deadlines) passed();
    expect((await answer).error?.code).toBe('deadline_exceeded');
    expect(await finishedOf(request)).toMatchObject({
      outcome: 'timed-out',
    });
  });

  it('asks the ingress for more hold ahead, journals what it was told, and ends where it is refused', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(10_000), { everyMs: 2 }));
    const body = attemptBody();
    const request: AttemptRunRequest = { ...attemptRequest(body), heldOutputTokens: 400 };
    const told: number[] = [];
    const needs = await ingress.onSignal(AttemptNeed, ingress.instance, (need) => {
      if (need.attemptId !== request.attemptId) return;
      told.push(need.heldOutputTokens);
      const heldOutputTokens = need.heldOutputTokens + 400;
      const { attemptId } = request;
      ingress.signal(
        AttemptHeld,
        need.worker,
        heldOutputTokens > 2_000
          ? { v: 1, attemptId, holdPicodollars: '5000', heldOutputTokens: 2_000, refused: true }
          : { v: 1, attemptId, holdPicodollars: String(heldOutputTokens * 2.5), heldOutputTokens, refused: false },
      );
    });
    const { text, end } = await call(request, body).answer;
    await needs.drain();
    expect(new Set(told)).toEqual(new Set([400, 800, 1_200, 1_600, 2_000]));
    expect(end).toMatchObject({
      outcome: 'completed',
      cutShort: true,
      finishReason: 'length',
      nativeFinishReason: 'credit_exhausted',
      usageSource: 'estimated',
    });
    const content = [...text.matchAll(/"content":"(w[0-9]+ )"/g)].map(([, word]) => word).join('');
    expect(content.length).toBeGreaterThanOrEqual(2_000);
    expect(await finishedOf(request)).toMatchObject({ holdPicodollars: '5000', finishReason: 'length' });
    const progress = lines.filter((line) => line.kind === 'attempt.progressed' && line.attemptId === request.attemptId);
    expect(progress.length).toBeGreaterThan(0);
    for (const line of progress) expect(line).toHaveProperty('holdPicodollars');
  });

  it.each([
    ['of credits', false, '600'],
    ['of what its own key costs', true, '700'],
  ])('journals the hold %s and of tokens, as it was told them', async (_name, byok, holdPicodollars) => {
    upstream.script((_request, reply) => reply.sse(chatChunks(200), { everyMs: 2 }));
    const body = attemptBody();
    const plain = attemptRequest(body);
    const request: AttemptRunRequest = {
      ...plain,
      attempt: { ...plain.attempt, byok, credentialId: byok ? 'own-0' : 'cred-1' },
      holdTokens: 500,
      heldOutputTokens: 400,
    };
    const { attemptId } = request;
    const needs = await ingress.onSignal(AttemptNeed, ingress.instance, (need) => {
      if (need.attemptId !== attemptId) return;
      const held = { holdPicodollars: '600', byokPicodollars: '700', holdTokens: 9_100 };
      ingress.signal(AttemptHeld, need.worker, { v: 1, attemptId, ...held, refused: false });
    });
    await call(request, body).answer;
    await needs.drain();
    expect(await finishedOf(request)).toMatchObject({ byok, holdPicodollars, holdTokens: 9_100 });
    expect(lines).toContainEqual(expect.objectContaining({ kind: 'attempt.started', attemptId, holdTokens: 500 }));
  });

  it('journals the progress of a stream that lasts', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(80), { everyMs: 10 }));
    const { answer, request } = run();
    await answer;
    const progress = (await linesOf(request, 3)).filter((line) => line.kind === 'attempt.progressed');
    expect(progress.length).toBeGreaterThanOrEqual(1);
    expect(progress.map(({ sequence }) => sequence)).toEqual(progress.map((_, at) => at + 1));
    expect(progress).toContainEqual(
      expect.objectContaining({
        usageSource: 'estimated',
        usage: expect.objectContaining({ input: 5 }) as unknown,
      }),
    );
  });

  it.each([
    ['a provider that is not in the catalog', 'nobody', 'provider_unavailable'],
    ['a dialect that it does not know', 'stranger', 'provider_unavailable'],
    ['a credential that is missing', 'keyless', 'provider_auth'],
  ])('refuses %s before anything is journalled', async (_, provider, code) => {
    const { answer, request } = run({ provider });
    expect((await answer).error?.code).toBe(code);
    expect(lines.some((line) => 'attemptId' in line && line.attemptId === request.attemptId)).toBe(false);
  });

  it.each<[string, object, object, object, object, object]>([
    [
      'embeddings',
      { model: 'lab/small', input: ['a', 'b'], provider: { order: ['lab'] } },
      { model: 'm-1', input: ['a', 'b'] },
      {
        object: 'list',
        data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
        model: 'm-1',
        usage: { total_tokens: 2 },
      },
      { object: 'list', model: 'lab/small', data: [{ object: 'embedding', index: 0, embedding: [0.1] }] },
      { usage: { input: 2 }, usageSource: 'provider' },
    ],
    [
      'rerank',
      { model: 'lab/small', query: 'q', documents: ['zero', 'one'] },
      { model: 'm-1', query: 'q', documents: ['zero', 'one'] },
      { results: [{ index: 1, relevance_score: 0.5 }] },
      { provider: 'Lab', model: 'lab/small', results: [{ index: 1, relevance_score: 0.5, document: { text: 'one' } }] },
      { usage: { input: 30, searchUnits: 1 }, usageSource: 'estimated' },
    ],
  ])('asks for %s, and journals what it came to', async (job, fields, asked, told, got, usage) => {
    upstream.script((_request, reply) => reply.json(200, told));
    const body = Buffer.from(JSON.stringify(fields));
    const request = { ...attemptRequest(body, { stream: false }), dialect: job, spans: [], inputs: 2 };
    const { text, end } = await call(request, body).answer;
    expect([upstream.requests.at(-1)?.path, upstream.requests.at(-1)?.json()]).toEqual([`/v1/${job}`, asked]);
    expect(JSON.parse(text)).toMatchObject(got);
    expect(end).toMatchObject({ outcome: 'completed', ...usage });
    expect(await finishedOf(request)).toMatchObject({ outcome: 'completed', ...usage });
  });

  it('passes sound byte for byte with its content type, counted in characters', async () => {
    const sound = Buffer.from([0x00, 0xff, 0x0a, 0x7b]);
    upstream.script((_request, reply) => {
      reply.raw.writeHead(200, { 'content-type': 'audio/mpeg' });
      reply.raw.end(sound);
    });
    const body = Buffer.from(JSON.stringify({ model: 'lab/small', input: 'hello', response_format: 'mp3' }));
    const request = { ...attemptRequest(body, { stream: false }), dialect: 'speech', spans: [] };
    const got: Buffer[] = [];
    const end = await new Promise<AttemptEnd>((resolve, reject) => {
      const { deadlineAt } = request;
      ingress.openStream(
        AttemptRun,
        'lab',
        request,
        body,
        { deadlineAt, acceptTimeoutMs: 10_000 },
        {
          accepted: () => undefined,
          data: (chunk) => void got.push(Buffer.from(chunk)),
          end: resolve,
          fail: reject,
        },
      );
    });
    expect(Buffer.concat(got)).toEqual(sound);
    const usage = { usage: { characters: 5 }, usageSource: 'provider' };
    expect(end).toMatchObject({ outcome: 'completed', contentType: 'audio/mpeg', ...usage });
    expect(await finishedOf(request)).toMatchObject(usage);
  });

  it('does not know a job that nobody has', async () => {
    const body = attemptBody({ stream: false });
    const request = { ...attemptRequest(body, { stream: false }), dialect: 'telepathy' };
    expect((await call(request, body).answer).error?.code).toBe('no_worker');
  });

  it('reaches no private address for a tenant, and sends no credential there', async () => {
    const before = upstream.requests.length;
    const { error } = await run({ provider: 'tenant' }).answer;
    expect(error).toMatchObject({ code: 'provider_unavailable', details: { reason: 'private_address' } });
    expect(upstream.requests).toHaveLength(before);
  });

  it('is busy at once when it is full, and when a provider has no connection left', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(1_000), { everyMs: 20 }));
    const narrow = run({ provider: 'narrow' });
    await until('the narrow one runs', () => narrow.text() !== '');
    expect((await run({ provider: 'narrow' }).answer).error?.code).toBe('worker_busy');
    const others = [run(), run(), run()];
    await until('all run', () => others.every(({ text }) => text() !== ''));
    expect((await run().answer).error?.code).toBe('worker_busy');
    expect(running.worker.inFlight.count).toBe(4);
    for (const each of [narrow, ...others]) each.cancel();
    await until('all are over', () => running.worker.inFlight.count === 0);
  });

  it('tells routers how endpoints do, and nothing of what clients did wrong', async () => {
    const told: HealthSubject[] = [];
    const heard = await ingress.onSignal(HealthCounters, undefined, (message) => void told.push(...message.endpoints));
    const one = async (endpointId: string, status?: number): Promise<void> => {
      upstream.script((_request, reply) =>
        status === undefined ? reply.sse(chatChunks(10)) : reply.json(status, {}, { 'retry-after': '5' }),
      );
      await run({ endpointId }).answer;
    };
    await sleep(50);
    await one('good');
    await one('limited', 429);
    await one('broken', 500);
    await one('fine', 400);
    const of = (endpointId: string) => told.findLast(({ id, series }) => id === endpointId && series.length > 0);
    await until('three are told', () => ['good', 'limited', 'broken'].every((id) => of(id) !== undefined));
    await sleep(60);
    expect(of('good')?.series[0]).toMatchObject({ succeeded: 1, failed: 0, rateLimited: 0 });
    expect(of('limited')?.series[0]).toMatchObject({ succeeded: 0, failed: 0, rateLimited: 1 });
    expect(of('limited')?.restUntil).toBeGreaterThan(5_000);
    expect(of('broken')?.series[0]).toMatchObject({ succeeded: 0, failed: 1, rateLimited: 0 });
    expect(of('fine')).toBeUndefined();
    await heard.drain();
  });

  it('counts what it does', async () => {
    const text = await running.metrics.registry.metrics();
    expect(text).toMatch(/waystation_worker_attempts_total\{[^}]*outcome="completed"[^}]*\} [1-9]/);
    expect(text).toMatch(/waystation_worker_first_token_seconds_count(\{[^}]*\})? [1-9]/);
    expect(text).toMatch(/waystation_worker_busy_total(\{[^}]*\})? [1-9]/);
  });

  it('logs neither credentials nor prompts', () => {
    expect(running.logged.join('')).toContain('attempt ended');
    expect(running.logged.join('')).not.toMatch(/canary|"hi"|127\.0\.0\.1/);
  });
});

describe('the capacity of a credential', () => {
  const limitedTo = (capacity: CapacityLimits) => ({ limited: { credentialId: 'cred-limited', capacity } });
  let running: Running;
  beforeAll(async () => {
    running = await startWorker();
  });
  afterAll(() => running.close());

  it('that is used up declines before anything is sent, journalled or counted of the endpoint, and another is served when there is room', async () => {
    const told: HealthMessage[] = [];
    const heard = await ingress.onSignal(HealthCounters, undefined, (message) => void told.push(message));
    upstream.script((_request, reply) => reply.sse(chatChunks(1_000), { everyMs: 20 }));
    const first = run(limitedTo({ inFlight: 1 }));
    await until('the first runs', () => first.text() !== '');
    const before = upstream.requests.length;
    const second = run({ endpointId: 'declined', ...limitedTo({ inFlight: 1 }) });
    const { error } = await second.answer;
    expect(error).toMatchObject({ code: 'credential_full', details: { metric: 'in_flight' }, retryAfterMs: 1_000 });
    expect(upstream.requests).toHaveLength(before);
    // One that is not limited uses nothing of it.
    const beside = run();
    await until('it runs', () => beside.text() !== '');
    for (const each of [first, beside]) each.cancel();
    await until('all are over', () => running.worker.inFlight.count === 0);

    upstream.script((_request, reply) => reply.sse(chatChunks(3)));
    const third = run(limitedTo({ inFlight: 1 }));
    expect((await third.answer).end?.outcome).toBe('completed');
    await linesOf(third.request, 2);
    expect(lines.filter((line) => 'attemptId' in line && line.attemptId === second.request.attemptId)).toEqual([]);
    const lastOf = () => told.flatMap(({ capacity = [] }) => capacity).findLast(({ id }) => id === 'cred-limited');
    await until('its end is told', () => lastOf()?.inFlight === 0);
    expect(told.flatMap(({ endpoints }) => endpoints).some(({ id }) => id === 'declined')).toBe(false);
    expect(await running.metrics.registry.metrics()).toMatch(/waystation_worker_full_total(\{[^}]*\})? 1/);
    await heard.drain();
  });

  it('that was used up is there again when a minute is over', async () => {
    const limited = { credentialId: 'cred-of-a-minute', capacity: { requestsPerMinute: 1 } };
    const request = attemptRequest(attemptBody(), { limited });
    const kindNow = (): string => {
      const place = running.worker.capacity.take(request);
      if (place.kind === 'taken') place.leave?.({});
      return place.kind;
    };
    expect([kindNow(), kindNow()]).toEqual(['taken', 'full']);
    // A minute is six seconds here.
    await until('a minute is over', () => kindNow() === 'taken');
  });

  it('is told to other workers, who decline what would be too much', async () => {
    const second = await startWorker();
    const request = attemptRequest(attemptBody(), limitedTo({ inFlight: 2 }));
    const taken: (() => void)[] = [];
    // At one moment it takes no more than its half of what is free, and leaves the rest to the other.
    await until('both are taken', () => {
      const place = running.worker.capacity.take(request);
      if (place.kind === 'taken') taken.push(() => place.leave?.('pending'));
      return taken.length === 2;
    });
    const kindThere = (): string => {
      const place = second.worker.capacity.take(request);
      if (place.kind === 'taken') place.leave?.('pending');
      return place.kind;
    };
    await until('the other worker knows', () => kindThere() === 'full');
    for (const leave of taken) leave();
    await until('the other worker knows of the room', () => kindThere() === 'taken');
    await second.close();
  });
});

describe('the tokens of a credential', () => {
  let running: Running;
  beforeAll(async () => {
    // A minute is a minute, so that it is not over before all have asked.
    running = await startWorker({}, (ms) => ms);
  });
  afterAll(() => running.close());

  it('are counted as they were used in the end', async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(20)));
    const limited = { credentialId: 'cred-limited', capacity: { tokensPerMinute: 60 } };
    const first = run({ limited });
    expect((await first.answer).end?.outcome).toBe('completed');
    await until('it is over', () => running.worker.inFlight.count === 0);
    // 25 were used in fact; 30 are thought of for the next one's prompt.
    const second = run({ limited });
    expect((await second.answer).end?.outcome).toBe('completed');
    await until('it is over', () => running.worker.inFlight.count === 0);
    const { error } = await run({ limited }).answer;
    expect(error).toMatchObject({ code: 'credential_full', details: { metric: 'tokens_per_minute' } });
    expect(error?.retryAfterMs).toBeGreaterThan(10_000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(65_000);
  });
});

describe("a workspace's own key", () => {
  const OWN = 'sk-own-canary-0123456789';
  let running: Running;
  let version = 1;
  const putKey = async (secret: string, more: object = {}): Promise<void> => {
    version += 1;
    await (
      await control.kv('credentials')
    ).put(SNAPSHOT_KEYS.credential('own-1'), {
      ...{ v: 1, version, id: 'own-1', provider: 'lab', workspaceId: 'ws-1', kind: 'bearer', origin: upstream.url },
      sealed: sealSecret(keys.publicKey, secret, 'own-1'),
      ...more,
    });
  };
  /** What the provider was presented with; undefined where it was not asked. */
  const presented = async (given: Parameters<typeof attemptRequest>[1] = {}) => {
    const before = upstream.requests.length;
    const { error } = await run({ ownKey: 'own-1', ...given }).answer;
    return { error, authorization: upstream.requests[before]?.headers.authorization };
  };
  const untilPresented = (authorization: string | undefined): Promise<void> =>
    eventually(
      `the provider is presented with ${authorization}`,
      async () => (await presented()).authorization === authorization,
    );

  beforeAll(async () => {
    upstream.script((_request, reply) => reply.sse(chatChunks(3)));
    await putKey(OWN);
    running = await startWorker();
  });
  afterAll(() => running.close());

  it('is what the provider gets, and the journal says whose it was', async () => {
    const before = upstream.requests.length;
    const { answer, request } = run({ ownKey: 'own-1' });
    expect((await answer).error).toBeUndefined();
    expect(upstream.requests[before]?.headers.authorization).toBe(`Bearer ${OWN}`);
    expect(await finishedOf(request)).toMatchObject({ byok: true, identity: { workspaceId: 'ws-1' } });
  });

  it.each([
    ['another workspace', { workspaceId: 'ws-2' }],
    ['another provider', { provider: 'narrow' }],
    ['a key that is not there', { ownKey: 'own-2' }],
    ["the station's own key", { ownKey: 'cred-1' }],
  ])('is opened for no call of %s', async (_, given) => {
    const { error, authorization } = await presented(given);
    expect(authorization).toBeUndefined();
    expect(error).toMatchObject({
      code: 'provider_auth',
      message: expect.stringContaining('own key for Lab is missing'),
    });
  });

  it("is not opened as the station's own", async () => {
    const before = upstream.requests.length;
    const body = attemptBody();
    const request = attemptRequest(body);
    const { error } = await call({ ...request, attempt: { ...request.attempt, credentialId: 'own-1' } }, body).answer;
    expect(error).toMatchObject({ code: 'provider_auth' });
    expect(upstream.requests).toHaveLength(before);
  });

  it('takes effect at once when it is another, and ends when it is deleted', async () => {
    await putKey('sk-new-canary-0123456789');
    await untilPresented('Bearer sk-new-canary-0123456789');
    await (await control.kv('credentials')).delete(SNAPSHOT_KEYS.credential('own-1'));
    await untilPresented(undefined);
    await putKey(OWN);
    await untilPresented(`Bearer ${OWN}`);
  });

  it('goes to the address that it brings, which is none of a private network', async () => {
    await putKey(OWN, { baseUrl: `${upstream.url}/resource` });
    await eventually('it is refused', async () => {
      const { error, authorization } = await presented();
      return authorization === undefined && error?.details?.['reason'] === 'private_address';
    });
    await putKey(OWN);
    await untilPresented(`Bearer ${OWN}`);
  });

  it.each([
    ['another host', 'https://lab.example', 'was kept for https://lab.example and is sent nowhere else'],
    ['another scheme', () => upstream.url.replace('http:', 'https:'), 'and is sent nowhere else'],
    ['nobody knows where', undefined, 'does not say for which address it was kept'],
  ])('is not sent to where its provider is now when it was kept for %s', async (_, origin, told) => {
    await putKey(OWN, { origin: typeof origin === 'function' ? origin() : origin });
    await untilPresented(undefined);
    expect((await presented()).error).toMatchObject({
      code: 'provider_auth',
      message: expect.stringContaining(told),
    });
    await putKey(OWN);
    await untilPresented(`Bearer ${OWN}`);
  });

  it('says nothing about the endpoint when it is refused, and is told as what it is', async () => {
    const told: HealthMessage[] = [];
    const heard = await ingress.onSignal(HealthCounters, undefined, (message) => void told.push(message));
    const idsOf = (part: 'endpoints' | 'credentials') => told.flatMap((message) => message[part].map(({ id }) => id));
    await sleep(50);
    upstream.script((_request, reply) =>
      reply.json(401, { error: { message: `bad key ${OWN}`, code: 'invalid_api_key' } }),
    );
    const { error } = await presented({ endpointId: 'own-refused' });
    expect(error).toMatchObject({
      code: 'provider_auth',
      message: expect.stringMatching(/^Lab does not accept the workspace's own key/),
      details: { upstream_status: 401 },
    });
    expect(JSON.stringify(error)).not.toContain(OWN);
    upstream.script((_request, reply) => reply.json(500, {}));
    await run({ endpointId: 'shared-broken' }).answer;
    await until('the shared one is told', () => idsOf('endpoints').includes('shared-broken'));
    expect(idsOf('endpoints')).not.toContain('own-refused');
    expect(idsOf('credentials')).not.toEqual([]);
    await heard.drain();
    expect(running.logged.join('')).not.toMatch(/canary/);
  });
});

describe('a provider that takes tokens', () => {
  const said = {
    candidates: [{ content: { role: 'model', parts: [{ text: 'hello' }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1 },
    responseId: 'up-3',
  };

  it('is called with one that was got once for all, never with the key itself', async () => {
    const running = await startWorker({ WAYSTATION_WORKER_GOOGLE_TOKEN_URL: `${upstream.url}/token` });
    let givers = 0;
    upstream.script((request, reply) => {
      if (request.path !== '/token') return reply.sse([said]);
      givers += 1;
      reply.json(200, { access_token: `ya29.canary-${givers}`, expires_in: 3_599 });
    });
    const first = upstream.requests.length;
    const runs = [1, 2, 3].map(() => run({ provider: 'vertex' }));
    const answers = await Promise.all(runs.map(({ answer }) => answer));
    for (const { text, end } of answers) {
      expect(text).toContain('"content":"hello"');
      expect(end).toMatchObject({ outcome: 'completed', usage: { input: 4, output: 1 }, upstreamId: 'up-3' });
    }
    const asked = upstream.requests.slice(first).filter(({ path }) => path !== '/token');
    expect(asked.map(({ path, headers }) => [path, headers.authorization])).toEqual(
      runs.map(() => ['/publishers/google/models/m-1:streamGenerateContent?alt=sse', 'Bearer ya29.canary-1']),
    );
    expect(givers).toBe(1);
    expect(running.logged.join('')).not.toContain('canary');
    await running.close();
  });

  it('is not called where none is given, and the caller may turn to another at once', async () => {
    const running = await startWorker({ WAYSTATION_WORKER_GOOGLE_TOKEN_URL: `${upstream.url}/token` });
    upstream.script((_request, reply) => reply.json(400, { error: 'invalid_grant' }));
    const first = upstream.requests.length;
    const { error } = await run({ provider: 'vertex' }).answer;
    expect([error?.code, error?.message]).toEqual(['provider_auth', expect.stringContaining('(invalid_grant)')]);
    expect(upstream.requests.slice(first).map(({ path }) => path)).toEqual(['/token']);
    const own = (await run({ provider: 'vertex', ownKey: 'own-google' }).answer).error;
    expect(own).toMatchObject({ code: 'provider_auth', message: expect.stringContaining("the workspace's own key") });
    await running.close();
  });
});

describe('a worker that must stop', () => {
  it('ends what still runs with an error that can be tried again, and journals it', async () => {
    const running = await startWorker();
    upstream.script((_request, reply) => reply.sse(chatChunks(1_000), { everyMs: 10 }));
    const { answer, text, request } = run();
    await until('it runs', () => text() !== '');
    running.stopping.abort();
    expect((await answer).error?.code).toBe('shutting_down');
    expect(await finishedOf(request)).toMatchObject({
      outcome: 'failed-after-output',
      errorCode: 'shutting_down',
    });
    await running.close();
  });
});

describe('a shared and a dedicated pool for one provider', () => {
  it('make one upstream call for each attempt', async () => {
    const shared = await startWorker();
    const dedicated = await connectWorker();
    const handler = new AttemptHandler({ ...shared.worker, instance: dedicated.instance });
    const subscription = await dedicated.handleStream(AttemptRun, ['lab'], (request, body, writer) =>
      handler.run(request, body, writer),
    );
    await sleep(50);
    upstream.script((_request, reply) => reply.sse(chatChunks(3)));
    const before = upstream.requests.length;
    const answers = await Promise.all(Array.from({ length: 20 }, () => run().answer));
    expect(answers.every(({ end }) => end?.outcome === 'completed')).toBe(true);
    expect(upstream.requests.length - before).toBe(20);
    await subscription.drain();
    await dedicated.close(1_000);
    await shared.close();
  });
});
