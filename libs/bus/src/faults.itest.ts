// Real servers, real faults: what ACCEPTANCE rows 21–25 ask of the bus, seen from the bus itself.
import { connect as dial, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connect as connectRaw } from '@nats-io/transport-node';
import { SUBJECTS, encodeFrame, encodeHotMessage } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, OpenStreamOptions } from './bus.js';
import { connectBus, provisionStreams } from './connect-bus.js';
import type { BusTimes } from './options.js';
import { Echo, EchoNext, Pour, Wave } from './test-contracts.js';
import { gather, hashOf, patterned, type TestReader } from './test-readers.js';

const EMPTY = Buffer.alloc(0);
/** A machine that stands still must not decide who accepts in time, who is lost and who gives up; a test that is about such a time names its own. */
const PATIENT: Partial<BusTimes> = {
  acceptTimeoutMs: 20_000,
  lostAfterMs: 30_000,
  rpcTimeoutMs: 20_000,
  disconnectGraceMs: 30_000,
  journalAckTimeoutMs: 20_000,
};
let nats: TestNats;
let buses: Bus[] = [];
let stops: (() => void)[] = [];
beforeEach(async () => {
  nats = await natsServer();
});
afterEach(async () => {
  await Promise.all(buses.map((bus) => bus.close(300)));
  buses = [];
  for (const stop of stops) stop();
  stops = [];
  await nats.stop();
});

const connect = async (service: string, times: Partial<BusTimes> = {}, url = nats.url): Promise<Bus> => {
  const bus = await connectBus({ url, service, services: [service], release: 'test', times: { ...PATIENT, ...times } });
  buses.push(bus);
  return bus;
};
const until = async (what: string, condition: () => boolean | Promise<boolean>, withinMs = 25_000): Promise<void> => {
  for (const giveUpAt = Date.now() + withinMs; !(await condition()); await sleep(10)) {
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}`);
  }
};
const open = (bus: Bus, how: string, more: Partial<OpenStreamOptions> = {}, reader = gather()): TestReader => {
  const options = { deadlineAt: Date.now() + 60_000, ...more };
  reader.follow(bus.openStream(Pour, 'acme', { v: 1, how }, EMPTY, options, reader));
  return reader;
};

/** A way to the server that can stand still (as for a stopped process) or be cut. */
const freezableWay = async (): Promise<{ url: string; freeze(): void; thaw(): void; cut(): void }> => {
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((client) => {
    const upstream = dial(nats.port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (frozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  stops.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `nats://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
};

test('60 streams survive NATS being killed and restarted: each arrives intact, or fails with an error in time', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  const content = patterned(120_000);
  await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
    for (let at = 0; at < content.length && !writer.signal.aborted; at += 1_200) {
      writer.write(content.subarray(at, at + 1_200));
      await sleep(20);
    }
    writer.end({ said: 'done', totalBytes: content.length });
  });
  const readers = Array.from({ length: 60 }, () => open(ingress, 'long'));
  await until('they flow', () => readers.every(({ bytes }) => bytes > 5_000));
  await nats.kill();
  const killedAt = Date.now();
  const failedLate: number[] = [];
  for (const { done } of readers) void done.then(({ error }) => error && failedLate.push(Date.now() - killedAt));
  await nats.restart();
  const results = await Promise.all(readers.map(({ done }) => done));
  const intact = results.filter(({ hash, error }) => error === undefined && hash === hashOf(content));
  const failed = results.filter(({ error }) => error !== undefined);
  expect(intact.length + failed.length).toBe(60);
  expect(failedLate.every((ms) => ms < 5_000)).toBe(true);
  // The outage was shorter than the grace period, so nothing had to fail.
  expect(intact).toHaveLength(60);
}, 90_000);

test('streams whose accept was on its way when NATS died begin after all, or fail as interrupted', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  let begun = 0;
  await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
    begun += 1;
    await sleep(100);
    writer.write(Buffer.from('late'));
    writer.end({ said: 'done' });
  });
  const readers = Array.from({ length: 20 }, () => open(ingress, 'soon'));
  await until('they have reached the worker', () => begun === readers.length);
  await nats.kill();
  await sleep(200);
  await nats.restart();
  for (const { error, bytes } of await Promise.all(readers.map(({ done }) => done))) {
    if (error === undefined) expect(bytes).toBe(4);
    else expect(error.code).toBe('bus_unavailable');
  }
}, 90_000);

test('with NATS away requests fail, open streams after the grace period, and all works again afterwards', async () => {
  const times = { disconnectGraceMs: 1_500 };
  const ingress = await connect('ingress', times);
  const worker = await connect('worker', times);
  let aborted = 0;
  await worker.handle(Echo, ({ text }) => ({ text, by: 'x' }));
  await worker.handleStream(Pour, undefined, (request, _body, writer) => {
    writer.write(Buffer.from('x'));
    writer.signal.addEventListener('abort', () => (aborted += 1));
    if (request.how === 'short') writer.end({ said: 'bye' });
  });
  const long = open(ingress, 'long');
  await until('it flows', () => long.bytes === 1);
  await nats.kill();
  const inFlight = ingress.request(Echo, { v: 1, text: 'x' }).catch((error: unknown) => error);
  await until('the outage is noticed', () => ingress.state === 'reconnecting');
  expect(await open(ingress, 'short').done).toMatchObject({ error: { code: 'bus_unavailable' } });
  expect(await inFlight).toMatchObject({ code: 'bus_unavailable' });
  await expect(ingress.request(Echo, { v: 1, text: 'x' })).rejects.toMatchObject({ code: 'bus_unavailable' });
  expect((await long.done).error?.code).toBe('bus_unavailable');
  await until('the writer is told', () => aborted === 1);
  await nats.restart();
  await until('it is connected', () => ingress.state === 'connected' && worker.state === 'connected');
  // Its subscriptions are there again.
  expect(await worker.answersWithin(20_000)).toBe(true);
  expect(await ingress.request(Echo, { v: 1, text: 'back' })).toMatchObject({ text: 'back' });
  expect(await open(ingress, 'short').done).toMatchObject({ bytes: 1, end: { said: 'bye' } });
}, 90_000);

test('a worker that stands still is lost after three seconds of silence, and its late frames are refused', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress', { aliveEveryMs: 200, lostAfterMs: 600 });
  const worker = await connect('worker', { aliveEveryMs: 200 }, way.url);
  let cancelled: unknown;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    const writing = setInterval(() => writer.write(Buffer.from('x')), 20);
    writer.signal.addEventListener('abort', () => {
      cancelled = writer.signal.reason;
      clearInterval(writing);
    });
  });
  let from = Infinity;
  // At once, so that no silence but this one can be the reason; the worker goes on writing.
  const reader = gather((_bytes, total) => {
    if (total > 1) return;
    way.freeze();
    from = performance.now();
  });
  const { error } = await open(ingress, 'endless', {}, reader).done;
  expect(error?.code).toBe('worker_lost');
  expect(performance.now() - from).toBeGreaterThan(300);
  const bytes = reader.bytes;
  way.thaw();
  await until('the worker is told', () => cancelled !== undefined);
  expect(reader.bytes).toBe(bytes);
});

test('a caller whose process is gone ends the attempt at its worker', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress', { aliveEveryMs: 200, lostAfterMs: 600 }, way.url);
  const worker = await connect('worker', { aliveEveryMs: 200, lostAfterMs: 600 });
  let aborted = false;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    writer.write(Buffer.from('x'));
    writer.signal.addEventListener('abort', () => (aborted = true));
  });
  const reader = open(ingress, 'endless');
  await until('it flows', () => reader.bytes > 0);
  way.freeze();
  await until('the attempt is aborted', () => aborted);
});

test('a process that leaves in order ends its streams at once', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => void writer.write(Buffer.from('x')));
  const reader = open(ingress, 'endless');
  await until('it flows', () => reader.bytes > 0);
  await worker.close(200);
  const { error } = await reader.done;
  expect(['shutting_down', 'worker_lost']).toContain(error?.code);
});

test('an interruption of one process alone heals: nothing is missing, nothing comes twice', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress');
  const worker = await connect('worker', {}, way.url);
  const content = patterned(200_000);
  await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
    for (let at = 0; at < content.length; at += 1_000) {
      writer.write(content.subarray(at, at + 1_000));
      await sleep(5);
    }
    writer.end({ said: 'done', totalBytes: content.length });
  });
  const readers = Array.from({ length: 10 }, () => open(ingress, 'x'));
  await until('they flow', () => readers.every(({ bytes }) => bytes > 0));
  for (let cut = 0; cut < 3; cut += 1) {
    await sleep(250);
    way.cut();
  }
  for (const { done } of readers) expect(await done).toMatchObject({ hash: hashOf(content) });
}, 90_000);

test('a body in parts survives an interruption', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress', {}, way.url);
  const worker = await connect('worker');
  await worker.handleStream(Pour, undefined, (_request, body, writer) => writer.end({ said: hashOf(body) }));
  const content = patterned(24 * 1024 * 1024);
  const reader = gather();
  ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, content, { deadlineAt: Date.now() + 60_000 }, reader);
  await until('it has begun', () => reader.accepts.length === 1);
  way.cut();
  expect(await reader.done).toMatchObject({ end: { said: hashOf(content) } });
}, 90_000);

test('shared and dedicated pools of one provider get each request exactly once together', async () => {
  const ingress = await connect('ingress');
  const shared = await Promise.all([connect('worker'), connect('worker')]);
  const dedicated = await connect('worker');
  const served = new Map<string, number>();
  let calls = 0;
  const serve = (worker: Bus, keys?: readonly string[]): Promise<unknown> =>
    worker.handleStream(Pour, keys, (_request, _body, writer) => {
      calls += 1;
      served.set(worker.instance, (served.get(worker.instance) ?? 0) + 1);
      writer.end({ said: 'ok' });
    });
  await Promise.all([...shared.map((worker) => serve(worker)), serve(dedicated, ['acme', 'other'])]);
  const results = await Promise.all(Array.from({ length: 300 }, () => open(ingress, 'x').done));
  expect(results.every(({ error }) => error === undefined)).toBe(true);
  expect(calls).toBe(300);
  expect(served.size).toBe(3);
});

test('a wedged worker is given up after the accept timeout, told so when it wakes, and asks before it begins old work', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress');
  const worker = await connect('worker', {}, way.url);
  let ran = 0;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    ran += 1;
    writer.end({ said: 'ok' });
  });
  way.freeze();
  const { error } = await open(ingress, 'x', { acceptTimeoutMs: 500 }).done;
  expect(error?.code).toBe('accept_timeout');
  way.thaw();
  await sleep(300);
  expect(ran).toBe(0);
  expect(await open(ingress, 'x').done).toMatchObject({ end: { said: 'ok' } });
});

test.each([
  ['before anything of it came is passed over', 'accept', 'passed_over'],
  ['after output came is cancelled', 'data', 'cancelled'],
] as const)('a stream that its caller gives up %s', async (_, said, code) => {
  const way = await freezableWay();
  const ingress = await connect('ingress', { lostAfterMs: 600 });
  const worker = await connect('worker', {}, way.url);
  let reason: unknown;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    if (said === 'data') writer.write(Buffer.from('x'));
    writer.signal.addEventListener('abort', () => (reason = writer.signal.reason));
  });
  const reader = open(ingress, 'x');
  await until('it is accepted', () => reader.accepts.length > 0);
  await until('its output came', () => said === 'accept' || reader.bytes > 0);
  way.freeze();
  expect((await reader.done).error?.code).toBe('worker_lost');
  way.thaw();
  await until('the worker is told', () => reason !== undefined);
  expect(reason).toMatchObject({ code });
});

test('a worker that is merely slow asks too, measured by the time that its caller waits', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress');
  const worker = await connect('worker', {}, way.url);
  let ran = 0;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    ran += 1;
    writer.end({ said: 'ok' });
  });
  way.freeze();
  const reader = open(ingress, 'x', { acceptTimeoutMs: 100 });
  expect((await reader.done).error?.code).toBe('accept_timeout');
  way.thaw();
  await sleep(300);
  expect(ran).toBe(0);
});

test('a request that is old but still wanted is run after the caller said go', async () => {
  const way = await freezableWay();
  const ingress = await connect('ingress');
  // To it a request is old after a quarter of this; the caller would wait for much longer.
  const worker = await connect('worker', { acceptTimeoutMs: 500 }, way.url);
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => writer.end({ said: 'ok' }));
  way.freeze();
  const reader = open(ingress, 'x');
  await sleep(400);
  way.thaw();
  expect(await reader.done).toMatchObject({ end: { said: 'ok' } });
});

test('a server that stands still does not answer a ping, although the connection is up', async () => {
  const way = await freezableWay();
  const bus = await connect('ingress', {}, way.url);
  expect(await bus.answersWithin(20_000)).toBe(true);
  way.freeze();
  expect(await bus.answersWithin(50)).toBe(false);
  expect(bus.state).toBe('connected');
  way.thaw();
  expect(await bus.answersWithin(20_000)).toBe(true);
});

test('whatever arrives on any subject, the process stays and goes on', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  await provisionStreams(worker, {}, ['FACTS', 'buckets']);
  await worker.handle(Echo, ({ text }) => ({ text, by: 'x' }));
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    writer.write(Buffer.from('x'));
    setTimeout(() => writer.end({ said: 'ok' }), 300);
  });
  let waves = 0;
  await ingress.onSignal(Wave, undefined, () => (waves += 1));
  const watchedKeys: string[] = [];
  await (await ingress.kv('keys')).watch('>', { entry: (key) => watchedKeys.push(key), synced: () => undefined });
  const reader = open(ingress, 'x');
  await until('a stream flows', () => reader.bytes === 1);

  const raw = await connectRaw({ servers: nats.url });
  stops.push(() => void raw.close());
  const replies: string[] = [];
  raw.subscribe('_INBOX.rogue.rogue-1.*', {
    callback: (_error, message) => void replies.push(Buffer.from(message.data).toString('latin1')),
  });
  const junk: Buffer[] = [
    EMPTY,
    Buffer.from([0]),
    Buffer.from([0xff, 0xff, 1]),
    Buffer.from('{}'),
    Buffer.from([0, 2, 0x7b, 0x7d]),
    Buffer.from([0, 3, 0x7b, 0x7d, 0xff]),
    encodeHotMessage({ v: 1, s: Date.now(), d: Date.now() + 1_000 }, Buffer.from('{"v":1,"text":5}')),
    encodeHotMessage({ v: 9, s: Date.now(), d: Date.now() + 1_000 }, Buffer.from('{}')),
    encodeHotMessage({ v: 1, s: Date.now(), d: Date.now() + 1_000, w: 1, request: { v: 1, how: 7 } }, EMPTY),
    encodeHotMessage({ v: 1, s: Date.now(), d: Date.now() + 1_000, w: 1, p: 1e15, request: { v: 1, how: 'x' } }, EMPTY),
    encodeHotMessage(null, EMPTY),
    encodeFrame('parts', 9, 9, Buffer.from(JSON.stringify({ inbox: SUBJECTS.routePlan }))),
    Buffer.alloc(100_000, 0x5b),
  ];
  const subjects = [
    Echo.subject,
    Pour.subjectOf('acme'),
    SUBJECTS.attemptCredit(worker.instance),
    SUBJECTS.attemptCancel(worker.instance),
    SUBJECTS.alive('ingress-1'),
    SUBJECTS.alive(worker.instance),
    SUBJECTS.health('worker-1'),
    SUBJECTS.moneyFact('worker-1'),
    `${SUBJECTS.inbox('ingress', ingress.instance)}.r0`,
    `${SUBJECTS.inbox('ingress', ingress.instance)}.s0`,
    `${SUBJECTS.inbox('worker', worker.instance)}.p0`,
    '$KV.keys.junk',
  ];
  let token = 0;
  for (const subject of subjects) {
    for (const payload of junk) {
      raw.publish(subject, payload, { reply: `_INBOX.rogue.rogue-1.t${token++}` });
      raw.publish(subject, payload, { reply: SUBJECTS.management('control', 'test', 'none') });
      raw.publish(subject, payload);
    }
  }
  await raw.flush();
  const told = (code: string): boolean => replies.some((reply) => reply.includes(code));
  await until('the senders are told', () => told('bad_message') && told('unknown_version'));
  expect(await reader.done).toMatchObject({ bytes: 1, end: { said: 'ok' } });
  expect(await ingress.request(Echo, { v: 1, text: 'alive' })).toMatchObject({ text: 'alive' });
  worker.signal(Wave, worker.instance, { v: 1, count: 1 });
  await until('good signals still come', () => waves === 1);
  await (await worker.kv('keys')).put('good', 1);
  await until('good entries still come', () => watchedKeys.includes('good'));
});

test('callers are told what is wrong with their message', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  await worker.handle(Echo, ({ text }) => ({ text, by: 'x' }));
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => writer.end({ said: 'ok' }));
  await expect(ingress.request(EchoNext, { v: 2, text: 'x' })).rejects.toMatchObject({ code: 'unknown_version' });
  await expect(ingress.request(Echo, { v: 1, text: 7 } as unknown as { v: 1; text: string })).rejects.toMatchObject({
    code: 'bad_message',
    message: expect.stringContaining('text') as unknown,
  });
  const reader = gather();
  const request = { v: 1, how: 5 } as unknown as { v: 1; how: string };
  ingress.openStream(Pour, 'acme', request, EMPTY, { deadlineAt: Date.now() + 20_000 }, reader);
  expect((await reader.done).error?.code).toBe('bad_message');
});

test('a reply or an end frame that does not fit its contract is an error at the caller', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  await worker.handle(Echo, () => ({ wrong: true }) as unknown as { text: string; by: string });
  await worker.handleStream(Pour, undefined, (_request, _body, writer) =>
    writer.end({ said: 5 } as unknown as { said: string }),
  );
  await expect(ingress.request(Echo, { v: 1, text: 'x' })).rejects.toMatchObject({ code: 'bad_message' });
  expect((await open(ingress, 'x').done).error?.code).toBe('bad_message');
});

test('requests over the message limit are refused before they are sent', async () => {
  const ingress = await connect('ingress');
  const worker = await connect('worker');
  await worker.handle(Echo, ({ text }) => ({ text, by: 'x' }));
  await expect(ingress.request(Echo, { v: 1, text: 'x'.repeat(2_000_000) })).rejects.toMatchObject({
    code: 'payload_too_large',
  });
  expect(await ingress.request(Echo, { v: 1, text: 'ok' })).toMatchObject({ text: 'ok' });
});

test('an idempotent call that was on its way when NATS died is answered after the reconnect', async () => {
  const ingress = await connect('ingress', { requestGraceMs: 20_000 });
  const worker = await connect('worker', { requestGraceMs: 20_000 });
  let begun = 0;
  await worker.handle(Echo, async ({ text }) => {
    begun += 1;
    await sleep(100);
    return { text, by: 'x' };
  });
  const call = ingress.request(Echo, { v: 1, text: 'x' });
  await until('it has begun', () => begun === 1);
  await nats.kill();
  await nats.restart();
  expect(await call).toMatchObject({ text: 'x' });
});

/** Answers the test contracts from a thread of its own, so that it goes on while this one stands still. Counts the answers that are on their way to us. */
const answerFromAThread = async (): Promise<Int32Array> => {
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const end = encodeFrame('end', 0, 0, Buffer.from('{"said":"ok"}')).toString('base64');
  const thread = new Worker(
    `const { connect } = require('@nats-io/transport-node');
     const { parentPort, workerData } = require('node:worker_threads');
     connect({ servers: '${nats.url}' }).then(async (nats) => {
       const answer = (bytes) => async (_error, message) => {
         message.respond(bytes);
         // The server has sent it on when it answers the second time at the latest.
         await nats.flush();
         await nats.flush();
         Atomics.add(workerData, 0, 1);
         Atomics.notify(workerData, 0);
       };
       nats.subscribe('${Echo.subject}', { callback: answer(Buffer.from('\\x01{"text":"x","by":"thread"}')) });
       nats.subscribe('${Pour.subjectAny}', { callback: answer(Buffer.from('${end}', 'base64')) });
       await nats.flush();
       parentPort.postMessage('up');
     });`,
    { eval: true, workerData: answered },
  );
  stops.push(() => void thread.terminate());
  await new Promise((resolve) => thread.once('message', resolve));
  return answered;
};

test('answers that came while our own loop stood still count, though their timers fire first', async () => {
  const ingress = await connect('ingress');
  const answered = await answerFromAThread();
  const call = ingress.request(Echo, { v: 1, text: 'x' }, { timeoutMs: 200 });
  const reader = open(ingress, 'x', { acceptTimeoutMs: 500 });
  // The requests leave at the end of this turn; then nothing here runs until both timers are due and both answers have come.
  await new Promise((resolve) => setImmediate(resolve));
  for (const until = performance.now() + 700; performance.now() < until;);
  for (let seen = 0; seen < 2; seen = Atomics.load(answered, 0))
    if (Atomics.wait(answered, 0, seen, 20_000) === 'timed-out') throw new Error('the thread did not answer');
  expect(await call).toMatchObject({ by: 'thread' });
  expect((await reader.done).end).toEqual({ said: 'ok' });
});
