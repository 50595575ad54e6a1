// The state machine of one attempt, against a real socket upstream and a scripted stream downstream.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptWriter } from '@waystation/bus';
import { WaystationError } from '@waystation/contracts';
import { createUpstreamClient, findProviderDialect } from '@waystation/providers';
import { fakeUpstream, type FakeUpstream, type UpstreamScript } from '@waystation/testing';
import { attemptBody, chatChunks } from '../test-edge/attempt-request.js';
import { Allowance } from './allowance.js';
import type { PreparedCall } from './prepare-call.js';
import { Relay, type RelayOptions, type RelayResult } from './relay.js';

const client = createUpstreamClient();
const upstreams: FakeUpstream[] = [];
afterAll(async () => {
  await client.close();
  await Promise.all(upstreams.map((each) => each.close()));
});

const dialect = findProviderDialect('openai-chat');
const passthrough = dialect?.passthrough;
if (dialect === undefined || passthrough === undefined) throw new Error('the dialect is not registered');

interface Downstream {
  readonly writer: AttemptWriter;
  readonly written: Buffer[];
  text(): string;
  abort(error: WaystationError): void;
  /** From now on `write` says false, until it is drained. */
  hold(): void;
  drain(): void;
}

const downstream = (): Downstream => {
  const written: Buffer[] = [];
  const controller = new AbortController();
  let held = false;
  let drained = (): void => undefined;
  const text = (): string => Buffer.concat(written).toString();
  return {
    written,
    text,
    abort: (error) => controller.abort(error),
    hold: () => void (held = true),
    drain() {
      held = false;
      drained();
    },
    writer: {
      caller: 'ingress-1',
      call: 'call-1',
      signal: controller.signal,
      busy: () => undefined,
      write(bytes) {
        written.push(Buffer.from(bytes));
        return !held;
      },
      drained: (callback) => void (drained = callback),
      end: () => undefined,
      fail: () => undefined,
    },
  };
};

interface Started {
  readonly server: FakeUpstream;
  readonly down: Downstream;
  readonly relay: Relay;
  readonly result: Promise<RelayResult>;
}

const start = async (
  script: UpstreamScript,
  given: { started?: Promise<void>; stream?: boolean; down?: Downstream; idleMs?: number } & Partial<RelayOptions> = {},
): Promise<Started> => {
  const { started = Promise.resolve(), stream = true, down = downstream(), idleMs = 5_000, ...options } = given;
  const server = await fakeUpstream(script);
  upstreams.push(server);
  const request = passthrough.buildRequest({
    body: attemptBody(),
    stream,
    upstreamModel: 'm-1',
    dropParameters: [],
    quirks: {},
  });
  const prepared: PreparedCall = {
    read: passthrough.readResponse,
    parseError: dialect.parseError,
    target: {
      url: new URL(server.url),
      providerName: 'Lab',
      allowPrivateAddress: true,
      connectionsMax: 100,
      timeouts: { connectMs: 1_000, firstByteMs: 5_000, idleMs },
    },
    message: { path: request.path, query: '', headers: request.headers, body: request.body },
    terms: {
      stream,
      generationId: 'gen-1700000000-abcdefghijABCDEFGHIJ',
      model: 'lab/small',
      providerName: 'Lab',
      choices: 1,
      inputTokensEstimate: () => 7,
      tokensMax: { input: 1_000, output: 1_000 },
      quirks: {},
    },
    warnings: [],
  };
  const relay = new Relay(prepared, down.writer, {
    drain: undefined,
    journalMs: 60_000,
    onBytes: () => undefined,
    ...options,
  });
  return { server, down, relay, result: relay.run(client, prepared, started) };
};

const streamOf =
  (words: number, everyMs = 0): UpstreamScript =>
  (_request, reply) =>
    reply.sse(chatChunks(words), { everyMs });
const clientGone = (): WaystationError =>
  new WaystationError('client_closed_request', 'The client closed its connection.');
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 15_000) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
};
const drain = { ms: 60_000, bytesMax: 1_000_000, allowed: () => true };

describe('a relay', () => {
  it('completes with usage, times and the bytes that it gave', async () => {
    const { result, down } = await start(streamOf(3));
    const { outcome, report, error, totalBytes, timeToFirstTokenMs, durationMs, upstreamStatus } = await result;
    expect({ outcome, error, report, upstreamStatus }).toEqual({
      outcome: 'completed',
      error: undefined,
      report: {
        usage: { input: 5, output: 3 },
        usageSource: 'provider',
        finishReason: 'stop',
        nativeFinishReason: 'stop',
        upstreamId: 'up-1',
      },
      upstreamStatus: 200,
    });
    expect(down.text()).toContain('"content":"w2 "');
    expect(down.text()).not.toMatch(/usage|DONE|m-1/);
    expect(totalBytes).toBe(down.text().length);
    expect(timeToFirstTokenMs).toBeLessThanOrEqual(durationMs);
  });

  it('gives no byte before the journal knows of the attempt, and then all of them', async () => {
    let acked = (): void => undefined;
    const { result, down, server } = await start(streamOf(3), { started: new Promise((resolve) => (acked = resolve)) });
    await until('the provider has answered', () => server.requests.length === 1);
    await server.requests[0]?.over;
    await sleep(50);
    expect(down.written).toHaveLength(0);
    acked();
    expect((await result).outcome).toBe('completed');
    expect(down.text()).toContain('w2 ');
  });

  it.each([
    ['refuses the line', () => Promise.reject(new Error('no'))],
    ['does not answer', () => new Promise<void>(() => undefined)],
  ])('fails and closes the upstream connection where the journal %s', async (_, started) => {
    const { result, down, server } = await start(streamOf(1_000, 5), { started: started(), journalMs: 60 });
    const { outcome, error } = await result;
    expect([outcome, error?.code, down.written.length]).toEqual(['failed-before-output', 'journal_unavailable', 0]);
    await server.requests[0]?.over;
  });

  it.each<[string, UpstreamScript, string, string]>([
    [
      'an error status',
      (_request, reply) => reply.json(429, { error: { message: 'slow down' } }, { 'retry-after': '3' }),
      'failed-before-output',
      'provider_rate_limited',
    ],
    [
      'a redirect',
      (_request, reply) => reply.json(302, {}, { location: 'http://127.0.0.1/' }),
      'failed-before-output',
      'provider_invalid_response',
    ],
    [
      'an error first',
      (_request, reply) => reply.sse([{ error: { message: 'no', code: 503 } }]),
      'failed-before-output',
      'provider_overloaded',
    ],
    [
      'an error as a body with 200',
      (_request, reply) => reply.json(200, { error: { message: 'no', code: 429 } }),
      'failed-before-output',
      'provider_rate_limited',
    ],
    [
      'a body where a stream was asked for',
      (_request, reply) => reply.json(200, { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }] }),
      'failed-before-output',
      'provider_invalid_response',
    ],
    [
      'an encoding that was not asked for',
      (_request, reply) => reply.json(200, {}, { 'content-encoding': 'gzip' }),
      'failed-before-output',
      'provider_invalid_response',
    ],
    ['an empty completion', streamOf(0), 'empty', 'provider_empty'],
    [
      'no finish',
      (_request, reply) => reply.sse(chatChunks(2, { finish: false, usage: false })),
      'failed-after-output',
      'provider_stream_broken',
    ],
    [
      'a hang-up before the answer',
      (_request, reply) => reply.hangUp(),
      'failed-before-output',
      'provider_unavailable',
    ],
    [
      'a hang-up in the middle',
      async (_request, reply) => {
        await reply.sse(chatChunks(2, { finish: false, usage: false }), { end: false });
        reply.hangUp();
      },
      'failed-after-output',
      'provider_stream_broken',
    ],
  ])('that gets %s ends so', async (_, script, outcome, code) => {
    const { result } = await start(script);
    const ended = await result;
    expect([ended.outcome, ended.error?.code]).toEqual([outcome, code]);
  });

  it('passes the provider’s wish for rest on', async () => {
    const { result } = await start((_request, reply) => reply.json(529, {}, { 'retry-after': '3' }));
    expect((await result).error?.retryAfterMs).toBe(3_000);
  });

  it('reads no more of an error than it needs', async () => {
    const { result } = await start((_request, { raw }) => {
      raw.writeHead(500);
      const write = (): void => void (raw.destroyed || raw.write(Buffer.alloc(65_536, 0x78), write));
      write();
    });
    expect((await result).error?.code).toBe('provider_unavailable');
  });

  it('fails after the stall of a provider, with what was delivered before', async () => {
    const { result, down } = await start(
      (_request, reply) => reply.sse(chatChunks(4, { finish: false, usage: false }), { end: false }),
      { idleMs: 100 },
    );
    const { outcome, error, report } = await result;
    expect([outcome, error?.code]).toEqual(['failed-after-output', 'provider_timeout']);
    expect(report).toMatchObject({ usage: { input: 7, output: 4 }, usageSource: 'estimated' });
    expect(down.text()).toContain('w3 ');
  });
});

describe('when the caller leaves', () => {
  it('a provider that stops billing is closed at once, and what it sent is estimated', async () => {
    const { result, down, server } = await start((_request, reply) =>
      reply.sse(chatChunks(5, { finish: false, usage: false }), { end: false }),
    );
    await until('five tokens were delivered', () => down.text().includes('w4 '));
    down.abort(clientGone());
    const { outcome, report } = await result;
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
    expect([outcome, report.usageSource]).toEqual(['cancelled', 'estimated']);
    expect(report.usage['output']).toBe(5);
  });

  it('an answer that lies in the socket already is read: its provider has billed, whatever it does on cancel', async () => {
    let answer = (): void => undefined;
    const { result, down, server } = await start(
      (_request, reply) => {
        const message = { role: 'assistant', content: 'hello there' };
        const choices = [{ index: 0, message, finish_reason: 'stop' }];
        answer = () => reply.json(200, { id: 'up-1', choices, usage: { prompt_tokens: 5, completion_tokens: 3 } });
      },
      { stream: false },
    );
    await until('the request arrives', () => server.requests.length === 1);
    // One turn, as after a stall: the answer and the cancel are both there when the loop goes on. The system may take a moment to hand over what was written.
    answer();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    down.abort(new WaystationError('passed_over', 'nobody waits for it'));
    expect(await result).toMatchObject({
      outcome: 'passed-over',
      error: { code: 'passed_over' },
      report: { usage: { input: 5, output: 3 }, usageSource: 'provider' },
      totalBytes: 0,
    });
  });

  it('a provider that bills to the end is listened to, and its usage is kept', async () => {
    const { result, down } = await start(streamOf(40, 5), { drain });
    await until('five tokens were delivered', () => down.text().includes('w4 '));
    down.abort(clientGone());
    const writtenThen = down.written.length;
    const { outcome, report } = await result;
    expect([outcome, report.usage, report.usageSource]).toEqual(['cancelled', { input: 5, output: 40 }, 'provider']);
    expect(down.written).toHaveLength(writtenThen);
  });

  it.each([
    ['time', { ...drain, ms: 50 }],
    ['bytes', { ...drain, bytesMax: 2_000 }],
  ])('the listening is bounded in %s', async (_, bounds) => {
    const { result, down, server } = await start(streamOf(10_000, 1), { drain: bounds });
    await until('a token was delivered', () => down.text().includes('w0 '));
    down.abort(clientGone());
    expect((await result).report.usageSource).toBe('estimated');
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
  });

  it('nobody listens where too many are listened to already', async () => {
    const { result, down } = await start(streamOf(10_000, 1), {
      drain: { ...drain, ms: 60_000, allowed: () => false },
    });
    await until('a token was delivered', () => down.text().includes('w0 '));
    down.abort(clientGone());
    expect((await result).outcome).toBe('cancelled');
  });

  it('before the answer, the prompt counts as billed', async () => {
    const { result, down, server } = await start(() => undefined);
    await until('the request arrives', () => server.requests.length === 1);
    down.abort(clientGone());
    expect(await result).toMatchObject({
      outcome: 'cancelled',
      report: { usage: { input: 7, output: 0 }, usageSource: 'estimated' },
    });
    await server.requests[0]?.over;
  });

  it('before the request went out, nothing counts', async () => {
    const down = downstream();
    down.abort(clientGone());
    const { result, server } = await start(streamOf(1), { down });
    expect(await result).toMatchObject({ outcome: 'cancelled', report: { usage: {} } });
    await sleep(30);
    expect(server.requests).toHaveLength(0);
  });

  it('because the deadline passed, the attempt timed out', async () => {
    const { result, down } = await start(streamOf(1_000, 10));
    await until('a token was delivered', () => down.text().includes('w0 '));
    down.abort(new WaystationError('deadline_exceeded', 'late'));
    expect(await result).toMatchObject({ outcome: 'timed-out', error: { code: 'deadline_exceeded' } });
  });

  it('while a failure waits for room, the failure is over too', async () => {
    const down = downstream();
    down.hold();
    const { result } = await start((_request, reply) => reply.sse(chatChunks(400, { finish: false, usage: false })), {
      down,
      drain,
    });
    await until('something was delivered', () => down.written.length > 0);
    await sleep(100);
    down.abort(clientGone());
    expect((await result).outcome).toBe('cancelled');
  });
});

describe('a slow caller', () => {
  it('stops the reading of the provider, and loses nothing', async () => {
    let sent = 0;
    const down = downstream();
    const { result } = await start(
      async (_request, reply) => {
        const padding = 'x'.repeat(10_000);
        const chunks = chatChunks(2_000);
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const chunk of chunks) {
          const text = typeof chunk === 'string' ? chunk : JSON.stringify({ ...chunk, padding });
          await new Promise<void>((resolve) => reply.raw.write(`data: ${text}\n\n`, () => resolve()));
          sent += 1;
        }
        reply.raw.end();
      },
      { down },
    );
    await until('something was delivered', () => down.written.length > 0);
    down.hold();
    const deliveredThen = down.written.length;
    await until('one more was delivered, which found no room', () => down.written.length > deliveredThen);
    // The system takes some on the way, and not at once.
    for (let sentThen = -1; sentThen < sent; await sleep(200)) sentThen = sent;
    expect(down.written).toHaveLength(deliveredThen + 1);
    expect(sent).toBeLessThan(2_000);
    down.drain();
    expect((await result).outcome).toBe('completed');
    expect(down.text()).toContain('"w1999 "');
  });
});

describe('a hold that is used up', () => {
  const allowanceOf = (heldOutputTokens: number) => {
    const asked: number[] = [];
    const allowance = new Allowance(
      { holdPicodollars: '1', heldOutputTokens },
      { repeatMs: 20, waitMs: 60_000 },
      (held) => void asked.push(held),
    );
    return { allowance, asked };
  };

  it('and refused more ends the output in order: what came is the answer, and the provider is cancelled', async () => {
    const { allowance, asked } = allowanceOf(20);
    const { result, down, server } = await start(streamOf(1_000, 5), { allowance });
    await until('it asked', () => asked.length > 0);
    allowance.heard({ holdPicodollars: '1', heldOutputTokens: 20, refused: true });
    const { outcome, error, cutShort, report, totalBytes } = await result;
    expect({ outcome, error, cutShort, report }).toEqual({
      outcome: 'completed',
      error: undefined,
      cutShort: true,
      report: {
        usage: { input: 7, output: expect.any(Number) },
        usageSource: 'estimated',
        finishReason: 'length',
        nativeFinishReason: 'credit_exhausted',
        upstreamId: 'up-1',
      },
    });
    expect(down.text()).toContain('"w5 "');
    expect(totalBytes).toBe(down.text().length);
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
  });

  it('stops the reading until more is held, and then goes on to the end', async () => {
    const { allowance, asked } = allowanceOf(20);
    const { result, down } = await start(streamOf(200, 2), { allowance });
    await until('it asked again and again', () => asked.length > 10);
    const delivered = down.text().length;
    await sleep(100);
    expect(down.text()).toHaveLength(delivered);
    allowance.heard({ holdPicodollars: '2', refused: false });
    const { outcome, cutShort, report } = await result;
    expect({ outcome, cutShort, usage: report.usage }).toEqual({
      outcome: 'completed',
      cutShort: undefined,
      usage: { input: 5, output: 200 },
    });
    expect(down.text()).toContain('"w199 "');
  });
});

describe('stop', () => {
  it('ends everything at once, with what was delivered', async () => {
    const { result, down, relay, server } = await start(streamOf(1_000, 5), { drain });
    await until('a token was delivered', () => down.text().includes('w1 '));
    relay.stop(new WaystationError('shutting_down', 'bye'));
    expect(await result).toMatchObject({
      outcome: 'failed-after-output',
      error: { code: 'shutting_down' },
      report: { usageSource: 'estimated' },
    });
    await server.requests[0]?.over;
    expect(server.requests[0]?.abandoned).toBe(true);
  });
});
