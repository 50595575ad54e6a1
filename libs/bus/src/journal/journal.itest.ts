// The journal against a real server: acked lines are stored once and in order, whatever happens to the connection.
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { SUBJECTS, type MoneyLine } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, ConsumedLine } from '../bus.js';
import { connectBus, provisionStreams } from '../connect-bus.js';
import type { BusTimes } from '../options.js';
import { holdTimeouts } from '../test-timeouts.js';

let nats: TestNats;
let buses: Bus[] = [];
beforeEach(async () => {
  nats = await natsServer();
});
afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(buses.map((bus) => bus.close(1_000)));
  buses = [];
  await nats.stop();
});

const connect = async (service: string, times: Partial<BusTimes> = {}): Promise<Bus> => {
  const bus = await connectBus({
    url: nats.url,
    service,
    services: [service],
    release: 'test',
    // A machine that stands still must not bring a second delivery about.
    times: { journalAckTimeoutMs: 20_000, durableCheckEveryMs: 300, ackWaitMs: 60_000, ...times },
  });
  buses.push(bus);
  return bus;
};

/** The bus does not look into lines; that is the consumer's business. */
const line = (n: number): MoneyLine => ({ kind: 'attempt.progressed', n }) as unknown as MoneyLine;
const numberOf = (consumed: ConsumedLine): number => (consumed.line as { n: number }).n;

const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const giveUpAt = Date.now() + 25_000; !(await condition()); await sleep(20)) {
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}`);
  }
};

test('lines are acked, consumed in order with their positions, and acked away', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  await until('the journal is healthy', () => writer.facts.healthy);
  await Promise.all([1, 2, 3].map((n) => writer.facts.append(line(n))));
  await writer.facts.append(line(4));
  const seen: ConsumedLine[] = [];
  const consumer = await billing.consume(
    'FACTS',
    { batchLines: 100, maxInFlight: 100 },
    async (lines) => void seen.push(...lines),
  );
  await until('all lines came', () => seen.length === 4);
  expect(seen.map(numberOf)).toEqual([1, 2, 3, 4]);
  expect(seen.map((each) => each.position)).toEqual(['1/0', '1/1', '1/2', '2/0']);
  expect(seen[0]).toMatchObject({ instance: writer.instance, deliveries: 1 });
  await until('nothing is pending', async () => (await consumer.pending()) === 0);
  expect(await consumer.progress()).toEqual({ ackFloor: 2, lastSequence: 2 });
});

test('what comes while a consumer lingers is handed over together, what comes before it at once', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  await until('the journal is healthy', () => writer.facts.healthy);
  const batches: number[][] = [];
  await billing.consume(
    'FACTS',
    { batchLines: 100, maxInFlight: 100, lingerMs: 60_000 },
    async (lines) => void batches.push(lines.map(numberOf)),
  );
  holdTimeouts();
  await writer.facts.append(line(1));
  await until('the first came', () => batches.length === 1);
  for (const n of [2, 3, 4]) await writer.facts.append(line(n));
  expect(batches).toEqual([[1]]);
  jest.advanceTimersByTime(60_000);
  await until('the others came', () => batches.length > 1);
  expect(batches).toEqual([[1], [2, 3, 4]]);
});

test('a backlog is read without waiting, in full batches, however long the consumer lingers', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  for (let n = 1; n <= 25; n += 1) await writer.facts.append(line(n));
  const batches: number[][] = [];
  const consumer = await billing.consume(
    'FACTS',
    { batchLines: 4, maxInFlight: 10, lingerMs: 60_000 },
    async (lines) => void batches.push(lines.map(numberOf)),
  );
  await until('all lines came', () => batches.flat().length === 25);
  expect(batches.flat()).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  expect(batches.length).toBeLessThanOrEqual(9);
  await until('nothing is pending', async () => (await consumer.pending()) === 0);
});

test('how many lines a batch holds may change from batch to batch', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  for (let n = 1; n <= 12; n += 1) await writer.facts.append(line(n));
  const batches: number[][] = [];
  await billing.consume(
    'FACTS',
    { batchLines: () => (batches.length < 2 ? 2 : 4), maxInFlight: 100 },
    async (lines) => void batches.push(lines.map(numberOf)),
  );
  await until('all lines came', () => batches.flat().length === 12);
  expect(batches).toEqual([
    [1, 2],
    [3, 4],
    [5, 6, 7, 8],
    [9, 10, 11, 12],
  ]);
});

test('a rejected batch comes again; good lines before it do not', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  const seen: number[] = [];
  let rejections = 2;
  await billing.consume('FACTS', { batchLines: 1, maxInFlight: 10 }, async (lines) => {
    const n = numberOf(lines[0] as ConsumedLine);
    if (n === 2 && rejections-- > 0) throw new Error('the database is away');
    seen.push(n);
  });
  for (const n of [1, 2, 3]) await writer.facts.append(line(n));
  await until('all lines were committed', () => seen.length === 3);
  expect([...seen].sort()).toEqual([1, 2, 3]);
  expect(seen[0]).toBe(1);
});

test('a message that is no batch comes as one line without content', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  const seen: ConsumedLine[] = [];
  await billing.consume('FACTS', { batchLines: 10, maxInFlight: 10 }, async (lines) => void seen.push(...lines));
  const { connect: raw } = await import('@nats-io/transport-node');
  const connection = await raw({ servers: nats.url });
  connection.publish(SUBJECTS.moneyFact('rogue'), Buffer.from([0xff, 0x00, 0x7b]));
  connection.publish(SUBJECTS.moneyFact('rogue'), '{"v":1,"lines":"none"}');
  await connection.drain();
  await writer.facts.append(line(1));
  await until('all came', () => seen.length === 3);
  expect(seen.slice(0, 2)).toEqual([
    { line: undefined, position: '1/0', instance: 'rogue', deliveries: 1 },
    { line: undefined, position: '2/0', instance: 'rogue', deliveries: 1 },
  ]);
});

test('the journal is unhealthy without its durable consumer', async () => {
  const writer = await connect('worker');
  expect(writer.facts.healthy).toBe(false);
  await sleep(300);
  expect(writer.facts.healthy).toBe(false);
  await provisionStreams(await connect('billing'), {}, ['FACTS']);
  await until('it is healthy', () => writer.facts.healthy);
});

test('lines written while NATS is killed and restarted are stored exactly once and in order', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  await until('the journal is healthy', () => writer.facts.healthy);
  const seen: ConsumedLine[] = [];
  const acks: Promise<void>[] = [];
  let n = 0;
  const writing = setInterval(() => acks.push(writer.facts.append(line(n++))), 2);
  await sleep(200);
  await nats.kill();
  await until('the outage is noticed', () => !writer.facts.healthy);
  await sleep(500);
  await nats.restart();
  await until('it is healthy again', () => writer.facts.healthy);
  await sleep(200);
  clearInterval(writing);
  await writer.facts.flush(20_000);
  await Promise.all(acks);
  expect(writer.facts.unackedBytes).toBe(0);
  await billing.consume('FACTS', { batchLines: 1_000, maxInFlight: 1_000 }, async (lines) => void seen.push(...lines));
  await until('all lines came', () => seen.length >= n);
  await sleep(300);
  expect(seen.map(numberOf)).toEqual(Array.from({ length: n }, (_each, index) => index));
});

test('consuming goes on after NATS was killed and restarted', async () => {
  const writer = await connect('worker');
  // What it had and could not ack comes again soon.
  const billing = await connect('billing', { ackWaitMs: 1_000 });
  await provisionStreams(billing);
  const seen = new Set<number>();
  const consumer = await billing.consume('FACTS', { batchLines: 10, maxInFlight: 50 }, async (lines) => {
    for (const each of lines) seen.add(numberOf(each));
    await sleep(5);
  });
  await writer.facts.append(line(0));
  await nats.kill();
  await nats.restart();
  for (let n = 1; n <= 100; n += 1) void writer.facts.append(line(n));
  await until('all lines came', () => seen.size === 101);
  await until('nothing is pending', async () => (await consumer.pending().catch(() => 1)) === 0);
});

test('stream and durable that vanish are made again, and consuming goes on', async () => {
  const writer = await connect('worker');
  const billing = await connect('billing');
  await provisionStreams(billing);
  const seen: number[] = [];
  await billing.consume(
    'FACTS',
    { batchLines: 10, maxInFlight: 10 },
    async (lines) => void seen.push(...lines.map(numberOf)),
  );
  await writer.facts.append(line(1));
  await until('the first came', () => seen.length === 1);
  const { connect: raw } = await import('@nats-io/transport-node');
  const connection = await raw({ servers: nats.url });
  await connection.request('$JS.API.STREAM.DELETE.FACTS', undefined, { timeout: 20_000 });
  await connection.close();
  void writer.facts.append(line(2));
  await until('it is there again', () => seen.includes(2));
});

test('flush says what is left when the bus stays away', async () => {
  const writer = await connect('worker');
  await provisionStreams(writer, {}, ['FACTS']);
  await nats.kill();
  await until('the outage is noticed', () => writer.state === 'reconnecting');
  const append = writer.facts.append(line(1));
  await expect(writer.facts.flush(100)).rejects.toMatchObject({ code: 'journal_unavailable' });
  expect(writer.facts.unackedBytes).toBeGreaterThan(0);
  await nats.restart();
  await append;
});
