// The journal over a network whose JetStream we play ourselves: what it sends, when, and what it does about silence and refusals.
// Time is the test's own, so that no machine is too slow for the short times here; messages travel in turns of the event loop.
import { jest } from '@jest/globals';
import { SUBJECTS, type MoneyLine } from '@waystation/contracts';
import type { Bus } from '../bus.js';
import { createBus } from '../connect-bus.js';
import type { CoreMessage } from '../connection/core-connection.js';
import { memoryNetwork, type MemoryConnection, type MemoryNetwork } from '../connection/memory-network.js';
import { createTurn } from '../connection/turn.js';
import { BUS_BYTES, BUS_TIMES } from '../options.js';

const TIMES = { ...BUS_TIMES, journalAckTimeoutMs: 80, reconnectWaitMs: 10, durableCheckEveryMs: 40 };

interface Stored {
  readonly id: string | undefined;
  readonly bytes: number;
  readonly lines: number[];
}

/** A server that stores each id once and answers as it is told. */
const playJetStream = (
  network: MemoryNetwork,
): {
  received: Stored[];
  stored: number[];
  mode: 'ack' | 'silent' | 'refuse';
  durable: boolean;
  /** Acks the last message that it was silent about. */
  ackLate(): void;
} => {
  const server = network.connect();
  const seen = new Set<string>();
  const state = {
    received: [] as Stored[],
    stored: [] as number[],
    mode: 'ack' as 'ack' | 'silent' | 'refuse',
    durable: true,
    ackLate: (): void => undefined,
  };
  const answer = (message: CoreMessage, reply: object): void =>
    void server.publish(message.reply, Buffer.from(JSON.stringify(reply)));
  const missing = { error: { code: 404, err_code: 10014, description: 'consumer not found' } };
  server.subscribe('$JS.API.CONSUMER.INFO.FACTS.billing', undefined, (message) =>
    answer(message, state.durable ? {} : missing),
  );
  server.subscribe(SUBJECTS.moneyFactAny, undefined, (message) => {
    const { lines } = JSON.parse(Buffer.from(message.data).toString()) as { lines: { n: number }[] };
    const id = message.header('Nats-Msg-Id');
    state.received.push({ id, bytes: message.data.length, lines: lines.map(({ n }) => n) });
    if (state.mode === 'refuse') {
      answer(message, { error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } });
      return;
    }
    if (!seen.has(id ?? '')) state.stored.push(...lines.map(({ n }) => n));
    seen.add(id ?? '');
    state.ackLate = () => answer(message, { stream: 'FACTS', seq: seen.size });
    if (state.mode === 'ack') state.ackLate();
  });
  return state;
};

const line = (n: number, text = ''): MoneyLine => ({ n, text }) as unknown as MoneyLine;
const STEP_MS = 5;
/** More than a message and its answer need. */
const TURNS_PER_STEP = 10;
const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    jest.advanceTimersByTime(STEP_MS);
    for (let turn = 0; turn < TURNS_PER_STEP; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
};
const until = async (condition: () => boolean): Promise<void> => {
  for (let passed = 0; !condition(); passed += STEP_MS) {
    if (passed > 5_000) throw new Error('waited too long');
    await pass(STEP_MS);
  }
};
/** Lets time pass until it is over. */
const over = async <Result>(work: Promise<Result>): Promise<Result> => {
  let settled = false;
  const settle = (): void => void (settled = true);
  work.then(settle, settle);
  await until(() => settled);
  return work;
};

let network: MemoryNetwork;
let connection: MemoryConnection;
let bus: Bus;
let server: ReturnType<typeof playJetStream>;
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  network = memoryNetwork();
  server = playJetStream(network);
  connection = network.connect();
  const turn = createTurn((error) => {
    throw error;
  });
  bus = createBus(
    connection,
    turn,
    { url: 'memory', service: 'worker', services: [], release: 'test' },
    TIMES,
    () => undefined,
  );
  await until(() => bus.facts.healthy);
});
afterEach(async () => {
  await over(bus.close(50));
  jest.useRealTimers();
});

test('all lines of a turn are one message, acked together', async () => {
  const acks = [1, 2, 3].map((n) => bus.facts.append(line(n)));
  await Promise.all(acks);
  await bus.facts.append(line(4));
  expect(server.received.map(({ lines }) => lines)).toEqual([[1, 2, 3], [4]]);
  expect(server.received.map(({ id }) => id)).toEqual([`${bus.instance}-0`, `${bus.instance}-1`]);
  expect(bus.facts.unackedBytes).toBe(0);
});

test('a line that nobody waits for goes along with the next one, or by itself after a moment', async () => {
  const soon = bus.facts.appendSoon(line(1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(server.received).toEqual([]);
  await Promise.all([bus.facts.append(line(2)), soon]);
  await over(bus.facts.appendSoon(line(3)));
  expect(server.received.map(({ lines }) => lines)).toEqual([[1, 2], [3]]);
});

test('a flush does not wait for lines that could wait, and sends them', async () => {
  void bus.facts.appendSoon(line(1));
  await bus.facts.flush(5_000);
  expect(server.stored).toEqual([1]);
});

test.each(['silent', 'refuse'] as const)(
  'lines that could wait are kept while a server is %s, and go in order when it is back',
  async (mode) => {
    server.mode = mode;
    void bus.facts.append(line(0));
    for (let n = 1; n < 4; n += 1) {
      void bus.facts.appendSoon(line(n));
      await pass(40);
    }
    server.mode = 'ack';
    await over(bus.facts.flush(5_000));
    expect(server.stored).toEqual([0, 1, 2, 3]);
  },
);

test('two batches do not wait for each other; what comes while both are on their way is one message', async () => {
  server.mode = 'silent';
  for (let n = 0; n < 6; n += 1) {
    void bus.facts.append(line(n));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await pass(20);
  expect(server.received.map(({ lines }) => lines)).toEqual([[0], [1]]);
  server.mode = 'ack';
  await over(bus.facts.flush(5_000));
  expect(server.stored).toEqual([0, 1, 2, 3, 4, 5]);
  expect(server.received.at(-1)?.lines).toEqual([2, 3, 4, 5]);
});

test('a turn with more than a message may hold is split', async () => {
  const text = 'x'.repeat(200_000);
  await Promise.all([1, 2, 3, 4, 5, 6].map((n) => bus.facts.append(line(n, text))));
  expect(server.received.length).toBeGreaterThan(2);
  expect(server.received.every(({ bytes }) => bytes < 1024 * 1024)).toBe(true);
  expect(server.stored).toEqual([1, 2, 3, 4, 5, 6]);
  await expect(bus.facts.append(line(7, 'x'.repeat(2_000_000)))).rejects.toMatchObject({ code: 'internal' });
});

test.each(['silent', 'refuse'] as const)(
  'a server that is %s makes it unhealthy; then everything goes again under the same ids, in order',
  async (mode) => {
    server.mode = mode;
    const acks = [];
    for (let n = 0; n < 5; n += 1) {
      acks.push(bus.facts.append(line(n)));
      await pass(5);
    }
    await until(() => !bus.facts.healthy);
    acks.push(bus.facts.append(line(5)));
    await pass(100);
    server.mode = 'ack';
    await over(Promise.all(acks));
    expect(bus.facts.healthy).toBe(true);
    expect(server.stored).toEqual([0, 1, 2, 3, 4, 5]);
    const ids = server.received.filter(({ lines }) => lines.includes(0)).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
  },
);

test('a server that stands still makes it unhealthy long before the ack is given up, and the late ack makes it healthy again', async () => {
  await over(bus.close(50));
  const times = { ...TIMES, journalAckTimeoutMs: 5_000, journalSilenceMs: 70 };
  bus = createBus(
    network.connect(),
    createTurn((error) => {
      throw error;
    }),
    { url: 'memory', service: 'worker', services: [], release: 'test' },
    times,
    () => undefined,
  );
  await until(() => bus.facts.healthy);
  server.mode = 'silent';
  let answered = false;
  const acked = bus.facts.append(line(1)).finally(() => (answered = true));
  await until(() => !bus.facts.healthy);
  expect(answered).toBe(false);
  server.mode = 'ack';
  server.ackLate();
  await acked;
  expect(bus.facts.healthy).toBe(true);
  expect(server.received.map(({ lines }) => lines)).toEqual([[1]]);
});

test('lines appended while the bus is away are sent once it is back', async () => {
  connection.setState('reconnecting');
  const acks = [1, 2].map((n) => bus.facts.append(line(n)));
  expect(bus.facts.healthy).toBe(false);
  await pass(30);
  connection.setState('connected');
  await over(Promise.all(acks));
  expect(server.stored).toEqual([1, 2]);
  await until(() => bus.facts.healthy);
});

test('more than 4 MiB unacked is unhealthy, and far more is refused', async () => {
  connection.setState('reconnecting');
  const text = 'x'.repeat(400_000);
  const refused: unknown[] = [];
  const appended = Math.ceil(BUS_BYTES.journalWaitingMax / text.length) + 3;
  for (let n = 0; n < appended; n += 1) bus.facts.append(line(n, text)).catch((error: unknown) => refused.push(error));
  await pass(20);
  expect(refused.length).toBeGreaterThan(0);
  expect(bus.facts.unackedBytes).toBeLessThanOrEqual(BUS_BYTES.journalWaitingMax * 1.01);
  expect(refused[0]).toMatchObject({ code: 'journal_unavailable' });
  connection.setState('connected');
  expect(bus.facts.healthy).toBe(false);
  await over(bus.facts.flush(10_000));
  expect(server.stored).toHaveLength(appended - refused.length);
});

test('a durable that vanishes makes it unhealthy, one that comes back healthy', async () => {
  server.durable = false;
  await until(() => !bus.facts.healthy);
  server.durable = true;
  await until(() => bus.facts.healthy);
});
