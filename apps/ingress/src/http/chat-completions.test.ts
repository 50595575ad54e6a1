// POST /chat/completions over real HTTP: what goes upstream, what comes back, what is journalled, and every way it can fail.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SNAPSHOT_KEYS, WaystationError, type RoutePlanReply } from '@waystation/contracts';
import {
  chunk,
  completion,
  endOf,
  inferenceKey,
  managementKey,
  planned,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import { RETRY_RESERVE } from '../attempt/retry-budget.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
/** A beat counts for 30 s here, and no stream is silent for so long that it gets a comment. */
beforeEach(async () => {
  ingress = await startIngress({ timeScale: 10 });
  beat(3);
});
afterEach(() => ingress.close());

/** From now on a beat counts for 60 ms, and a stream that is silent for 200 ms gets a comment. */
const startHasty = async (): Promise<void> => {
  await ingress.close();
  ingress = await startIngress({ timeScale: 0.02 });
};
/** So many workers are alive. */
const beat = (workers: number): void => {
  for (let ordinal = 1; ordinal <= workers; ordinal += 1) {
    ingress.bus.sendSignal('alive', {
      v: 1,
      instance: `worker-test000${ordinal}`,
      services: ['worker'],
      release: 'test',
      sentAt: 0,
    });
  }
};
const BODY = { model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }] };
const post = (
  body: unknown,
  headers: Record<string, string> = {},
  path = '/api/v1/chat/completions',
): Promise<Response> =>
  fetch(`${ingress.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const errorOf = async (response: Response) =>
  ((await response.json()) as { error: { code: number; message: string; metadata: Record<string, unknown> } }).error;
const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 4_000) throw new Error('it never happened');
    await sleep(5);
  }
};

describe('a streamed completion', () => {
  it('passes the bytes through and ends with the usage, its exact cost and the end marker', async () => {
    ingress.bus.worker = serving([chunk('Hel'), chunk('lo')]);
    const response = await post({ ...BODY, stream: true }, { 'x-request-id': 'my-request-1' });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-request-id')).toBe('my-request-1');
    expect(response.headers.get('x-generation-id')).toMatch(/^gen-\d{10}-[0-9A-Za-z]{20}$/);
    const parts = text.split('\n\n');
    expect(parts.slice(0, 2).map((part) => `${part}\n\n`)).toEqual([chunk('Hel'), chunk('lo')]);
    expect(JSON.parse(parts[2]?.slice(6) ?? '')).toMatchObject({
      choices: [],
      provider: 'ALPHA',
      model: 'lab/small',
      usage: { prompt_tokens: 10, completion_tokens: 5, cost: 0.00002 },
    });
    expect(parts.slice(3)).toEqual(['data: [DONE]', '']);
  });

  it('sends the original bytes upstream, with the cap of the policy and the hold that covers it', async () => {
    ingress.bus.worker = serving([chunk('x')]);
    const body = ` ${JSON.stringify({ ...BODY, stream: true, raw: 1e5 })}\n`;
    await (await post(body)).text();
    const [stream] = ingress.bus.streams;
    expect(stream?.body).toBe(body);
    expect(stream?.provider).toBe('alpha');
    expect(stream?.request).toMatchObject({
      dialect: 'openai-chat',
      frames: 'passthrough',
      stream: true,
      outputCap: 1000,
      quotaSet: ['wallet:default'],
      identity: { workspaceId: 'default' },
    });
    expect(BigInt(stream?.request.holdPicodollars ?? 0)).toBeGreaterThan(1000n * 2_000_000n);
    expect(stream?.request.attempt).toEqual(planned('alpha'));
  });

  it('is journalled once as money and once as trail, with the charge that the client saw', async () => {
    ingress.bus.worker = serving([chunk('x')]);
    const response = await post(
      { ...BODY, stream: true, user: 'u', session_id: 's' },
      { 'http-referer': 'https://app.example', 'x-title': 'App', 'x-waystation-tags': 'team/search, nightly' },
    );
    await response.text();
    const id = response.headers.get('x-generation-id');
    expect(ingress.bus.factLines).toEqual([
      expect.objectContaining({
        kind: 'generation.finished',
        generationId: id,
        outcome: 'completed',
        servedBy: ingress.bus.streams[0]?.request.attemptId,
        identity: expect.objectContaining({
          endUserId: 'u',
          sessionId: 's',
          app: { referer: 'https://app.example', title: 'App' },
          tags: ['team/search', 'nightly'],
        }) as unknown,
      }),
    ]);
    expect(ingress.bus.factLines[0]?.attempts).toEqual([
      expect.objectContaining({
        dispatched: true,
        usage: { input: 10, output: 5 },
        usageSource: 'provider',
        outcome: 'completed',
      }),
    ]);
    expect(ingress.bus.trailLines).toEqual([
      expect.objectContaining({
        generationId: id,
        identity: expect.objectContaining({ tags: ['team/search', 'nightly'] }) as unknown,
        costPicodollars: '20000000',
        policyRow: 'completed',
        httpStatus: 200,
        provider: 'alpha',
        stream: true,
      }),
    ]);
  });

  it.each<[Record<string, string>, unknown]>([
    [{ 'x-openrouter-title': 'New', 'x-title': 'Old' }, { title: 'New' }],
    [{ 'x-openrouter-title': '', 'x-title': 'Old' }, { title: 'Old' }],
    [{ 'http-referer': 'https://app.example', 'x-title': '' }, { referer: 'https://app.example' }],
    [{ 'http-referer': '', 'x-title': '' }, undefined],
    [{ 'x-title': 'a'.repeat(300) }, { title: 'a'.repeat(256) }],
  ])('an app that presents itself with %j is %j', async (headers, app) => {
    ingress.bus.worker = serving([chunk('x')]);
    await (await post(BODY, headers)).text();
    expect((ingress.bus.factLines[0]?.identity as { app?: unknown }).app).toEqual(app);
    expect(ingress.bus.streams[0]?.request.identity.app).toEqual(app);
  });

  it('is the same under /v1', async () => {
    ingress.bus.worker = serving([chunk('x')]);
    expect((await post({ ...BODY, stream: true }, {}, '/v1/chat/completions')).status).toBe(200);
  });

  it('keeps the connection warm with comments when nothing comes, and may still move on to another endpoint', async () => {
    await startHasty();
    ingress.bus.worker = (stream, ordinal) => {
      if (ordinal > 0) serving([chunk('late')])(stream, ordinal);
    };
    // The first comment takes the status line along.
    const response = await post({ ...BODY, stream: true });
    ingress.bus.streams[0]?.reader.fail(new WaystationError('provider_overloaded', 'ALPHA is overloaded.'));
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text.startsWith(': WAYSTATION PROCESSING\n\n')).toBe(true);
    expect(text).toContain(chunk('late'));
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('is kept warm in a pause between two events, and never inside of one', async () => {
    await startHasty();
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from(`${chunk('a')}${chunk('b').slice(0, 20)}`));
    };
    const { body } = await post({ ...BODY, stream: true });
    const reader = ingress.bus.streams[0]?.reader;
    await sleep(700);
    reader?.data(Buffer.from(chunk('b').slice(20)));
    let text = '';
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      if (part.includes(': WAYSTATION PROCESSING')) reader?.end(endOf());
    }
    expect(text.startsWith(`${chunk('a')}${chunk('b')}: WAYSTATION PROCESSING\n\n`)).toBe(true);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('whose usage is not known yet ends well without it, and its charge is left to the other witness', async () => {
    ingress.bus.worker = serving([chunk('x')], { usage: 'pending' });
    expect(await (await post({ ...BODY, stream: true })).text()).toBe(`${chunk('x')}data: [DONE]\n\n`);
    expect(ingress.bus.factLines[0]).toMatchObject({ outcome: 'completed', attempts: [{ usage: 'pending' }] });
  });

  it('tells an error in-band once the status line is out, without an end marker', async () => {
    await startHasty();
    const tooLong = (): WaystationError => new WaystationError('provider_timeout', 'ALPHA took too long.');
    ingress.bus.worker = ({ reader }, ordinal) => {
      if (ordinal > 0) reader.fail(tooLong());
    };
    const response = await post({ ...BODY, stream: true });
    ingress.bus.streams[0]?.reader.fail(tooLong());
    const text = await response.text();
    const last = text.split('\n\n').at(-2) ?? '';
    expect(JSON.parse(last.slice(6))).toMatchObject({
      error: {
        code: 504,
        metadata: { error_type: 'timeout', previous_errors: [{ provider: 'ALPHA', code: 'provider_timeout' }] },
      },
      choices: [{ finish_reason: 'error' }],
    });
    expect(text).not.toContain('[DONE]');
  });

  it('that breaks after output ends with an error in-band, is tried nowhere else, and leaves its usage to the other witness', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from(chunk('Hel')));
      setTimeout(() => reader.fail(new WaystationError('provider_stream_broken', 'ALPHA closed the connection.')), 10);
    };
    const response = await post({ ...BODY, stream: true });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text.startsWith(chunk('Hel'))).toBe(true);
    expect(JSON.parse(text.split('\n\n')[1]?.slice(6) ?? '')).toMatchObject({
      error: { code: 502, message: 'ALPHA closed the connection.' },
      choices: [{ finish_reason: 'error' }],
    });
    expect(text).not.toContain('[DONE]');
    expect(ingress.bus.streams).toHaveLength(1);
    expect(ingress.bus.factLines[0]).toMatchObject({
      outcome: 'failed-after-output',
      attempts: [
        {
          usage: 'pending',
          deliveredTokens: 1,
          outcome: 'failed-after-output',
          errorCode: 'provider_stream_broken',
        },
      ],
    });
  });

  it('whose client leaves is cancelled at once and charged by the other witness', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from(chunk('Hel')));
    };
    const request = http.request(`${ingress.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${inferenceKey}` },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ ...BODY, stream: true }));
    await new Promise<void>((resolve) => request.on('response', (response) => response.once('data', () => resolve())));
    request.destroy();
    await until(() => ingress.bus.factLines.length === 1);
    expect(ingress.bus.streams[0]?.cancelled).toBe('client-gone');
    expect(ingress.bus.factLines[0]).toMatchObject({
      outcome: 'cancelled',
      servedBy: ingress.bus.streams[0]?.request.attemptId,
      attempts: [{ usage: 'pending', dispatched: true }],
    });
    expect(ingress.bus.trailLines[0]).toMatchObject({ cancelled: true, policyRow: 'cancelled-after-output' });
  });

  it('ends with a retryable error when the process must stop', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from(chunk('Hel')));
      setTimeout(() => ingress.stopNow(), 10);
    };
    const text = await (await post({ ...BODY, stream: true })).text();
    expect(JSON.parse(text.split('\n\n')[1]?.slice(6) ?? '')).toMatchObject({
      error: { code: 503, metadata: { waystation_code: 'shutting_down' } },
    });
    expect(ingress.bus.streams[0]?.cancelled).toBe('shutdown');
  });

  it('gives the worker credit only as fast as its client reads', async () => {
    const block = Buffer.from(chunk('x'.repeat(60_000)));
    const sent = 400;
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      for (let count = 0; count < sent; count += 1) reader.data(block);
    };
    const request = http.request(`${ingress.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${inferenceKey}` },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ ...BODY, stream: true }));
    const response = await new Promise<http.IncomingMessage>((resolve) => request.on('response', resolve));
    response.pause();
    await sleep(200);
    expect(ingress.bus.streams[0]?.consumedBytes).toBe(0);
    response.resume();
    await until(() => ingress.bus.streams[0]?.consumedBytes === sent * block.length);
    request.destroy();
  });
});

describe('a whole completion', () => {
  it('is the worker’s body with the usage put in', async () => {
    ingress.bus.worker = serving([completion('Hel').slice(0, 20), completion('Hel').slice(20)]);
    const response = await post(BODY);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'Hel' } }],
      usage: { total_tokens: 15, cost: 0.00002, is_byok: false },
    });
  });

  it('moves on to the next endpoint even after half a body, since the client has seen nothing', async () => {
    ingress.bus.worker = (stream, ordinal) => {
      if (ordinal > 0) return serving([completion('B')])(stream, ordinal);
      stream.reader.accepted('worker-test0001');
      stream.reader.data(Buffer.from('{"half'));
      stream.reader.fail(new WaystationError('worker_lost', 'The worker is gone.'));
    };
    const response = await post(BODY);
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'B' } }] });
    expect(ingress.bus.streams.map(({ body }) => body)).toEqual([JSON.stringify(BODY), JSON.stringify(BODY)]);
    expect(ingress.bus.factLines[0]?.attempts).toEqual([
      expect.objectContaining({
        provider: 'alpha',
        usage: 'pending',
        outcome: 'failed-before-output',
        dispatched: true,
      }),
      expect.objectContaining({ provider: 'beta', usage: { input: 10, output: 5 }, outcome: 'completed' }),
    ]);
    expect(ingress.bus.factLines[0]?.servedBy).toBe(ingress.bus.streams[1]?.request.attemptId);
  });

  it('counts as one request however many endpoints are tried', async () => {
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
      ...workspace,
      version: 2,
      limits: [{ scope: 'workspace', metric: 'requests', window: 'minute', limit: '5' }],
    });
    ingress.bus.worker = (stream, ordinal) => {
      if (ordinal > 0) return serving([completion('B')])(stream, ordinal);
      stream.reader.accepted('worker-test0001');
      stream.reader.fail(new WaystationError('worker_lost', 'The worker is gone.'));
    };
    expect((await post(BODY)).status).toBe(200);
    const counted = ingress.bus.factLines[0]?.attempts.map(({ provider, requests = 0 }) => [provider, requests]);
    expect(counted).toEqual([
      ['alpha', 1],
      ['beta', 0],
    ]);
    expect(ingress.bus.streams.map(({ request }) => request.requests ?? 0)).toEqual([1, 0]);
    expect(ingress.bus.asked.find(({ name }) => name === 'lease.grant')?.request['need']).toMatchObject({
      requests: 1,
    });
  });

  it('that is no JSON is a failure of the provider and costs nothing', async () => {
    ingress.bus.worker = serving(['not json']);
    const response = await post(BODY);
    expect(response.status).toBe(502);
    expect(ingress.bus.trailLines[0]).toMatchObject({
      costPicodollars: '0',
      httpStatus: 502,
      outcome: 'failed-before-output',
    });
    expect(ingress.bus.factLines[0]?.servedBy).toBeUndefined();
  });

  it('that is empty is tried elsewhere, and refused when every endpoint is', async () => {
    ingress.bus.worker = serving([], { outcome: 'empty', usage: { input: 10 } });
    const response = await post(BODY);
    expect(response.status).toBe(502);
    expect((await errorOf(response)).metadata).toMatchObject({
      waystation_code: 'provider_empty',
      provider_name: 'BETA',
      previous_errors: [{ provider: 'ALPHA', code: 'provider_empty' }],
    });
  });
});

describe('what is counted', () => {
  it('are answers by route and class of status, output and generations in flight', async () => {
    ingress.bus.worker = serving([completion('x')]);
    await (await post(BODY)).text();
    await post('{');
    await fetch(`${ingress.url}/nowhere`);
    const text = await ingress.context.metrics.registry.metrics();
    const figure = (line: string): number =>
      Number(
        text
          .split('\n')
          .find((each) => each.startsWith(line))
          ?.split(' ')
          .at(-1),
      );
    const requests = (route: string, status: string): number =>
      figure(`waystation_ingress_requests_total{route="${route}",status="${status}"}`);
    expect(requests('/api/v1/chat/completions', '2xx')).toBe(1);
    expect(requests('/api/v1/chat/completions', '4xx')).toBe(1);
    expect(requests('none', '4xx')).toBe(1);
    expect(figure('waystation_ingress_output_bytes_total')).toBeGreaterThan(100);
    expect(figure('waystation_ingress_generation_seconds_count')).toBe(1);
    expect(figure('waystation_ingress_open_generations')).toBe(0);
    expect(figure('waystation_ingress_open_holds')).toBe(0);
  });
});

describe('tries', () => {
  it('are not made at an endpoint when no other worker is there to make them', async () => {
    await startHasty();
    beat(3);
    await sleep(100);
    ingress.bus.worker = ({ reader }) => reader.fail(new WaystationError('accept_timeout', 'no accept'));
    expect((await post(BODY)).status).toBe(503);
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha', 'beta']);
  });

  it('that nobody accepted in time may have reached a provider all the same: their usage is left to the other witness, and the client pays nothing', async () => {
    ingress.bus.worker = (stream, ordinal) =>
      ordinal === 0
        ? stream.reader.fail(new WaystationError('accept_timeout', 'no accept'))
        : serving([completion('x')])(stream, ordinal);
    expect((await post(BODY)).status).toBe(200);
    expect(ingress.bus.factLines[0]).toMatchObject({
      servedBy: ingress.bus.streams[1]?.request.attemptId,
      attempts: [
        { dispatched: true, outcome: 'passed-over', errorCode: 'accept_timeout', usage: 'pending' },
        { dispatched: true, outcome: 'completed' },
      ],
    });
  });

  it('a second endpoint is asked for a fifth of the requests and a reserve, when all of them fail', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.fail(new WaystationError('provider_unavailable', 'It is down.'));
    };
    const requests = 800;
    for (let from = 0; from < requests; from += 50)
      await Promise.all(Array.from({ length: 50 }, async () => (await post(BODY)).text()));
    expect(ingress.bus.streams.length).toBeGreaterThan(requests + RETRY_RESERVE - 1);
    expect(ingress.bus.streams.length).toBeLessThanOrEqual(1.2 * requests + RETRY_RESERVE);
  });

  it('a busy worker is skipped by the next try, under another attempt id, at the same endpoint', async () => {
    ingress.bus.worker = (stream, ordinal) =>
      ordinal === 0
        ? stream.reader.fail(new WaystationError('worker_busy', 'full', { details: { worker: 'worker-full0001' } }))
        : serving([completion('x')])(stream, ordinal);
    expect((await post(BODY)).status).toBe(200);
    const [first, second] = ingress.bus.streams.map(({ request }) => request);
    expect(second).toMatchObject({ skipInstances: ['worker-full0001'], attempt: { provider: 'alpha' } });
    expect(second?.attemptId).not.toBe(first?.attemptId);
    expect(ingress.bus.factLines[0]?.attempts.map(({ dispatched }) => dispatched)).toEqual([false, true]);
    expect(ingress.bus.trailLines[0]?.attempts.map(({ dispatched }) => dispatched)).toEqual([false, undefined]);
  });

  it('without a worker for a provider the next endpoint is tried; without any the answer is 503, at once', async () => {
    const response = await post(BODY);
    expect(response.status).toBe(503);
    expect((await errorOf(response)).metadata).toMatchObject({
      waystation_code: 'no_worker',
      previous_errors: [{ provider: 'ALPHA', code: 'no_worker' }],
    });
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha', 'beta']);
  });

  it('a credential that is used up was asked nothing: the next endpoint is tried, and nothing is charged for it', async () => {
    const full = new WaystationError('credential_full', 'The capacity is used up.', { retryAfterMs: 7_000 });
    ingress.bus.worker = (stream, ordinal) => {
      if (ordinal > 0) return serving([completion('x')])(stream, ordinal);
      stream.reader.accepted('worker-test0001');
      return stream.reader.fail(full);
    };
    expect((await post(BODY)).status).toBe(200);
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha', 'beta']);
    expect(ingress.bus.factLines[0]?.attempts.map(({ dispatched, requests }) => [dispatched, requests])).toEqual([
      [false, ingress.bus.factLines[0]?.attempts[1]?.requests],
      [true, ingress.bus.factLines[0]?.attempts[1]?.requests],
    ]);
  });

  it('where all credentials are used up the answer is 429, and says when and why', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.fail(new WaystationError('credential_full', 'The capacity is used up.', { retryAfterMs: 7_000 }));
    };
    const response = await post(BODY);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await errorOf(response)).toMatchObject({
      metadata: { waystation_code: 'credential_full', error_type: 'rate_limit_exceeded' },
      availability: {
        ...{ code: 'capacity_exhausted', retryable: true, retry_after: 7 },
        ...{ affected_providers: ['beta'], excluded_by: ['capacity'] },
      },
    });
  });

  it.each([
    ['worker_busy', 'aaaaaaaabbbbbbbb'],
    ['accept_timeout', 'aabbccddeeffgghh'],
  ] as const)('that end with %s are bounded at one endpoint and in all', async (code, providers) => {
    ingress.bus.rpc.set('route.plan', () => ({
      attempts: 'abcdefghi'.split('').map((slug) => planned(slug)),
      excluded: [],
      snapshotRevision: 1,
      strategy: 'price',
    }));
    ingress.bus.worker = ({ reader }) => reader.fail(new WaystationError(code, 'not taken'));
    expect((await post(BODY)).status).toBe(503);
    expect(ingress.bus.streams.map(({ provider }) => provider).join('')).toBe(providers);
    expect(ingress.bus.factLines[0]?.attempts).toHaveLength(16);
  });

  it('go on while a worker is left that has not declined, though one that has is asked again', async () => {
    ingress.bus.worker = (stream, ordinal) =>
      ordinal < 4
        ? stream.reader.fail(new WaystationError('worker_busy', 'full', { details: { worker: 'worker-full0001' } }))
        : serving([completion('x')])(stream, ordinal);
    expect((await post(BODY)).status).toBe(200);
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(Array.from({ length: 5 }, () => 'alpha'));
    expect(ingress.bus.streams.at(-1)?.request.skipInstances).toEqual(['worker-full0001']);
  });

  it('end at an endpoint where every worker has declined', async () => {
    ingress.bus.worker = ({ reader }, ordinal) => {
      const worker = `worker-full000${ordinal % 3}`;
      reader.fail(new WaystationError('worker_busy', 'full', { details: { worker } }));
    };
    expect((await post(BODY)).status).toBe(503);
    expect(ingress.bus.streams.map(({ provider }) => provider).join(' ')).toBe('alpha alpha alpha beta beta beta');
  });

  it('an error that is the client’s own goes to no other endpoint', async () => {
    ingress.bus.worker = ({ reader }) => reader.fail(new WaystationError('unprocessable', 'ALPHA cannot do that.'));
    expect((await post(BODY)).status).toBe(422);
    expect(ingress.bus.streams).toHaveLength(1);
  });
});

describe('a refusal before anything is dispatched', () => {
  const plan = (reply: Partial<RoutePlanReply>): void =>
    void ingress.bus.rpc.set('route.plan', () => ({
      attempts: [],
      excluded: [],
      snapshotRevision: 1,
      strategy: 'price',
      ...reply,
    }));

  it('of an unknown model names it', async () => {
    ingress.bus.rpc.set('route.plan', () => {
      throw new WaystationError('model_not_found', 'no such model');
    });
    const error = await errorOf(await post({ ...BODY, model: 'no/such:model' }));
    expect(error).toMatchObject({
      code: 400,
      message: 'no/such:model is not a valid model ID',
      availability: { code: 'model_not_found', retryable: false, requested_models: ['no/such:model'] },
    });
    expect(ingress.bus.factLines).toEqual([]);
  });

  it('of a plan without endpoints says which rules excluded them', async () => {
    plan({
      excluded: [
        { model: 'lab/small', provider: 'alpha', rule: 'max_price' },
        { model: 'lab/small', provider: 'beta', rule: 'not_in_only' },
      ],
    });
    const response = await post(BODY);
    const error = await errorOf(response);
    expect(error).toMatchObject({
      code: 404,
      message: 'No endpoints found for lab/small. Excluded by: max_price, allowed_providers.',
      availability: {
        code: 'constraint_filtered',
        retryable: false,
        excluded_by: ['max_price', 'allowed_providers'],
        affected_providers: ['alpha', 'beta'],
      },
    });
  });

  it.each([
    [
      'not_in_only',
      404,
      "No allowed providers are available for the selected model. Providers serving lab/small: alpha, but your request's provider.only preference permits only: gamma.",
    ],
    ['data_policy:zdr', 404, 'No endpoints found matching your data policy (Zero data retention).'],
    ['down', 503, 'Every endpoint of lab/small is unavailable for the moment (down); try again.'],
    ['capacity', 429, 'Every endpoint of lab/small is unavailable for the moment (capacity); try again.'],
    [
      'context_length',
      400,
      'The prompt is too long for every endpoint of lab/small: it has about 21 tokens. Shorten it, or ask for the plugin context-compression, which shortens prompts of up to twice the context.',
    ],
  ] as const)('of %s is %i', async (rule, status, message) => {
    plan({ excluded: [{ model: 'lab/small', provider: 'alpha', rule }] });
    const response = await post({ ...BODY, provider: { only: ['gamma'] } });
    const error = await errorOf(response);
    expect([response.status, error.message.replace(/about \d+/, 'about 21')]).toEqual([status, message]);
    expect(response.headers.get('retry-after')).toBe(status === 503 || status === 429 ? '1' : null);
  });

  it('of credit names the quota, what was asked and what is left', async () => {
    ingress.bus.rpc.set('lease.grant', () => ({
      refused: {
        code: 'insufficient_credits',
        quotaId: 'wallet:default',
        scope: 'wallet',
        metric: 'usd',
        window: 'lifetime',
        asked: '1',
        left: '1000000000',
      },
    }));
    const error = await errorOf(await post({ ...BODY, max_tokens: 1000 }));
    expect(error.code).toBe(402);
    expect(error.message).toMatch(
      /^This request requires more credits, or fewer max_tokens\. You requested up to 1000 tokens, but can only afford \d+\. It needs up to \$0\.00\d+ of the credits of this workspace; \$0\.001 is left\.$/,
    );
    expect(error.metadata).toMatchObject({
      error_type: 'payment_required',
      limit_source: 'waystation_credits',
      quota: { id: 'wallet:default', left: '0.001', metric: 'usd' },
    });
    expect(ingress.bus.streams).toEqual([]);
  });

  it('of credit becomes a lower cap where the client set none, and says so', async () => {
    let asked = 0;
    const grant = ingress.bus.rpc.get('lease.grant');
    ingress.bus.rpc.set('lease.grant', (request: never) => {
      asked += 1;
      return asked === 1
        ? {
            refused: {
              code: 'limit_exceeded',
              quotaId: 'key:1',
              scope: 'key',
              metric: 'usd',
              window: 'day',
              asked: '1',
              left: '1000000000',
              limit: '5000000000',
            },
          }
        : grant?.(request);
    });
    ingress.bus.worker = serving([completion('x')]);
    const response = await post(BODY);
    const cap = Number(response.headers.get('x-waystation-output-cap'));
    expect(response.status).toBe(200);
    expect(cap).toBeGreaterThanOrEqual(16);
    expect(cap).toBeLessThan(1000);
    expect(ingress.bus.streams[0]?.request.outputCap).toBe(cap);
    expect(BigInt(ingress.bus.streams[0]?.request.holdPicodollars ?? 0)).toBeLessThanOrEqual(1_000_000_000n);
    expect(ingress.bus.trailLines[0]?.warnings).toEqual([expect.objectContaining({ code: 'clamped' })]);
  });

  it.each([
    ['the journal cannot be written', 'journal_unavailable', () => (ingress.bus.factsHealthy = false)],
    ['no router answers', 'no_responder', () => ingress.bus.rpc.delete('route.plan')],
    ['billing does not answer', 'no_responder', () => ingress.bus.rpc.delete('lease.grant')],
    ['the keys may be out of date', 'snapshot_stale', () => (ingress.bus.silentMs = 100_000)],
  ])('while %s is 503, with a time to come back', async (_name, code, prepare) => {
    prepare();
    const response = await post(BODY);
    expect([
      response.status,
      response.headers.get('retry-after'),
      (await errorOf(response)).metadata['waystation_code'],
    ]).toEqual([503, '1', code]);
    expect(ingress.bus.streams).toEqual([]);
  });

  it('of a management key is 403', async () => {
    const response = await post(BODY, { authorization: `Bearer ${managementKey}` });
    expect([response.status, (await errorOf(response)).message]).toEqual([
      403,
      'Management keys cannot be used for inference; use an API key of the workspace',
    ]);
  });

  it('that nobody expected is logged once and gives nothing away', async () => {
    ingress.bus.rpc.set('route.plan', () => {
      throw new Error('secret-of-the-inside');
    });
    const response = await post({ ...BODY, messages: [{ role: 'user', content: 'canary-prompt' }] });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).not.toContain('secret-of-the-inside');
    expect(ingress.logged.filter((line) => line.includes('a generation failed'))).toHaveLength(1);
    expect(ingress.logged.join('')).not.toContain('canary-prompt');
  });
});
