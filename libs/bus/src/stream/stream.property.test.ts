// Whatever the network drops, doubles or reorders: a stream arrives intact or fails with an error that says so, and once the network heals
// before the deadline it arrives intact.
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { FRAME_KINDS, SUBJECTS } from '@waystation/contracts';
import type { Bus } from '../bus.js';
import { createBus } from '../connect-bus.js';
import { memoryNetwork, type Fate, type MemoryNetwork } from '../connection/memory-network.js';
import { createTurn } from '../connection/turn.js';
import { BUS_TIMES, type BusTimes } from '../options.js';
import { Pour } from '../test-contracts.js';
import { gather, hashOf, patterned } from '../test-readers.js';

// What nothing here is about is so long that a machine that stands still does not decide it.
const TIMES = { ...BUS_TIMES, creditEveryMs: 20, acceptAfterMs: 20, acceptTimeoutMs: 20_000, lostAfterMs: 30_000 };
const RUNS = 40;

const busOn = (
  network: MemoryNetwork,
  service: string,
  times: Partial<BusTimes> = {},
  connection = network.connect(),
): Bus =>
  createBus(
    connection,
    createTurn((error) => {
      throw error;
    }),
    { url: 'memory', service, services: [service], release: 'test' },
    { ...TIMES, ...times },
    () => undefined,
  );

/** Frames of the stream itself; requests and accepts decide whether it begins at all, which is another test's business. */
const isFrame = (subject: string, data: Uint8Array): boolean => {
  const kind = subject.startsWith('_INBOX.ingress.') ? FRAME_KINDS[data[1] ?? 0] : undefined;
  return kind === 'data' || kind === 'end';
};
const isSignal = (subject: string): boolean => subject.startsWith(SUBJECTS.attemptCredit('').slice(0, -1));

const fates = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Fate>('pass') },
    { weight: 2, arbitrary: fc.constant<Fate>('drop') },
    { weight: 1, arbitrary: fc.constant<Fate>('twice') },
    { weight: 1, arbitrary: fc.constant<Fate>('late') },
  ),
  { maxLength: 60 },
);
const writes = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 200_000 }), pause: fc.boolean() }), {
  minLength: 1,
  maxLength: 25,
});

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const giveUpAt = Date.now() + 20_000; !condition(); await sleep(5))
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}`);
};

afterEach(() => void jest.useRealTimers());

test('a stream heals from every finite sequence of faults', async () => {
  await fc.assert(
    fc.asyncProperty(writes, fates, fates, async (chunks, frameFates, signalFates) => {
      const network = memoryNetwork();
      const ingress = busOn(network, 'ingress');
      const worker = busOn(network, 'worker');
      const content = patterned(chunks.reduce((sum, { bytes }) => sum + bytes, 0));
      await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
        let at = 0;
        for (const { bytes, pause } of chunks) {
          const more = writer.write(content.subarray(at, (at += bytes)));
          if (!more) await new Promise<void>((resolve) => writer.drained(resolve));
          else if (pause) await new Promise((resolve) => setImmediate(resolve));
        }
        writer.end({ said: 'done', totalBytes: content.length });
      });
      const frames = [...frameFates];
      const signals = [...signalFates];
      network.fate = (subject, data) => {
        if (isFrame(subject, data)) return frames.shift() ?? 'pass';
        return isSignal(subject) ? (signals.shift() ?? 'pass') : 'pass';
      };
      const reader = gather();
      const options = { deadlineAt: Date.now() + 30_000 };
      reader.follow(ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, Buffer.alloc(0), options, reader));
      const done = await reader.done;
      await Promise.all([ingress.close(100), worker.close(100)]);
      // The accept may have been the first data frame: where that and everything after it was lost there is nothing to heal.
      expect(done.error?.toWire()).toBeUndefined();
      expect(done.hash).toBe(hashOf(content));
    }),
    { numRuns: RUNS },
  );
}, 120_000);

test('a stream that never heals fails at its deadline, and delivers no gap before', async () => {
  // Time is the test's own, so that the deadline cannot come before the stream; messages travel in turns.
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const network = memoryNetwork();
  const ingress = busOn(network, 'ingress');
  const worker = busOn(network, 'worker');
  const content = patterned(50_000);
  await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
    for (let at = 0; at < content.length; at += 1_000) {
      writer.write(content.subarray(at, at + 1_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    writer.end({ said: 'done' });
  });
  let count = 0;
  network.fate = (subject, data) => (isFrame(subject, data) && (count += 1) > 10 ? 'drop' : 'pass');
  const chunks: Buffer[] = [];
  const reader = gather((bytes) => chunks.push(Buffer.from(bytes)));
  const options = { deadlineAt: Date.now() + 500 };
  reader.follow(ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, Buffer.alloc(0), options, reader));
  for (let ms = 0; ms <= 500; ms += 10) {
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(10);
  }
  jest.useRealTimers();
  const done = await reader.done;
  expect(done.error?.code).toBe('deadline_exceeded');
  const received = Buffer.concat(chunks);
  expect(received.length).toBeGreaterThan(0);
  expect(received.equals(content.subarray(0, received.length))).toBe(true);
  await Promise.all([ingress.close(100), worker.close(100)]);
});

test('what a finished stream no longer keeps is answered gone, and the reader fails', async () => {
  const network = memoryNetwork();
  const ingress = busOn(network, 'ingress');
  const worker = busOn(network, 'worker');
  let call: string | undefined;
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    call = writer.call;
    writer.write(Buffer.from('all of it'));
    writer.end({ said: 'done' });
  });
  let ends = 0;
  network.fate = (subject, data) => (isFrame(subject, data) && data[1] === 2 && ++ends > 0 ? 'drop' : 'pass');
  const reader = gather();
  const options = { deadlineAt: Date.now() + 20_000 };
  reader.follow(ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, Buffer.alloc(0), options, reader));
  await until('the end was sent again', () => ends > 1);
  // Another process's cancel makes the worker forget it.
  network
    .connect()
    .publish(SUBJECTS.attemptCancel(worker.instance), Buffer.from(JSON.stringify({ v: 1, call, reason: 'given-up' })));
  const done = await reader.done;
  expect(done.error?.code).toBe('stream_gap');
  expect(done.bytes).toBe(9);
  await Promise.all([ingress.close(100), worker.close(100)]);
});

test('a lost credit heals, because a waiting reader repeats it', async () => {
  const network = memoryNetwork();
  const ingress = busOn(network, 'ingress');
  const worker = busOn(network, 'worker');
  const content = patterned(4 * 1024 * 1024);
  await worker.handleStream(Pour, undefined, (_request, _body, writer) => {
    writer.write(content);
    writer.end({ said: 'done' });
  });
  let signals = 0;
  network.fate = (subject) => (isSignal(subject) && ++signals % 4 !== 0 ? 'drop' : 'pass');
  const reader = gather();
  const options = { deadlineAt: Date.now() + 20_000 };
  reader.follow(ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, Buffer.alloc(0), options, reader));
  expect((await reader.done).hash).toBe(hashOf(content));
  expect(signals).toBeGreaterThan(8);
  await Promise.all([ingress.close(100), worker.close(100)]);
});

describe('a worker that is away from the bus, so that nobody takes the credits of its streams,', () => {
  const setUp = async (times: Partial<BusTimes> = {}) => {
    const network = memoryNetwork();
    const connection = network.connect();
    const ingress = busOn(network, 'ingress', times);
    const worker = busOn(network, 'worker', times, connection);
    const { promise: goesOn, resolve: goOn } = Promise.withResolvers<undefined>();
    await worker.handleStream(Pour, undefined, async (_request, _body, writer) => {
      writer.write(Buffer.from('one'));
      await goesOn;
      writer.write(Buffer.from('two'));
      writer.end({ said: 'done', totalBytes: 6 });
    });
    let refused = 0;
    network.fate = (subject, data) => {
      if (subject.startsWith('_INBOX.ingress.') && data.length === 0) refused += 1;
      return 'pass';
    };
    const reader = gather();
    const options = { deadlineAt: Date.now() + 20_000 };
    reader.follow(ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, Buffer.alloc(0), options, reader));
    await until('it has begun', () => reader.bytes === 3);
    connection.setState('reconnecting');
    await until('nobody took a credit', () => refused > 0);
    return { connection, reader, goOn, close: () => Promise.all([ingress.close(100), worker.close(100)]) };
  };

  test('goes on where it was when it is back', async () => {
    const { connection, reader, goOn, close } = await setUp();
    await sleep(TIMES.creditEveryMs * 3);
    connection.setState('connected');
    goOn(undefined);
    expect(await reader.done).toMatchObject({ bytes: 6, end: { said: 'done' } });
    await close();
  });

  test('is lost when it stays away: its request was taken, and who is told that there was no worker believes that nothing was done', async () => {
    const { reader, goOn, close } = await setUp({ aliveEveryMs: 20, lostAfterMs: 200 });
    expect((await reader.done).error?.code).toBe('worker_lost');
    goOn(undefined);
    await close();
  });
});
