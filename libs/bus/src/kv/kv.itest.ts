// Buckets against a real server.
import { setTimeout as sleep } from 'node:timers/promises';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, KvWatchHandler } from '../bus.js';
import { connectBus, provisionStreams } from '../connect-bus.js';
import type { BusTimes } from '../options.js';

let nats: TestNats;
let buses: Bus[] = [];
beforeEach(async () => {
  nats = await natsServer();
});
afterEach(async () => {
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
    times: { aliveEveryMs: 100, journalAckTimeoutMs: 20_000, ...times },
  });
  buses.push(bus);
  return bus;
};

const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const giveUpAt = Date.now() + 25_000; !(await condition()); await sleep(10)) {
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}`);
  }
};

/** Mirrors what it is told. */
const mirror = (): KvWatchHandler & { readonly values: Map<string, unknown>; syncs: number } => {
  const values = new Map<string, unknown>();
  return {
    values,
    syncs: 0,
    resync: () => values.clear(),
    entry: (key, value) => void (value === undefined ? values.delete(key) : values.set(key, value)),
    synced() {
      this.syncs += 1;
    },
  };
};

test('values are put, read, listed, deleted, and created only once', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('keys');
  expect(await bucket.get('a.b')).toBeUndefined();
  await bucket.put('a.b', { v: 1, text: 'ä' });
  expect(await bucket.get('a.b')).toEqual({ v: 1, text: 'ä' });
  expect(await bucket.create('a.b', {})).toBe(false);
  expect(await bucket.create('c', 1)).toBe(true);
  expect((await bucket.keys()).sort()).toEqual(['a.b', 'c']);
  await bucket.delete('a.b');
  expect(await bucket.get('a.b')).toBeUndefined();
  expect(await bucket.keys()).toEqual(['c']);
  expect(await bucket.create('a.b', 'again')).toBe(true);
  await expect(bucket.put('bad key', 1)).rejects.toMatchObject({ code: 'bad_message' });
});

test('of many that create one key at once exactly one succeeds', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('idempotency');
  const created = await Promise.all(Array.from({ length: 50 }, (_each, n) => bucket.create('claim', n)));
  expect(created.filter(Boolean)).toHaveLength(1);
});

test('a watch delivers what is stored, says so, then follows', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('catalog');
  for (let n = 0; n < 300; n += 1) await bucket.put(`model.m${n}`, { n });
  await bucket.put('gone', 1);
  await bucket.delete('gone');
  const seen = mirror();
  const watch = await (await (await connect('router')).kv('catalog')).watch('>', seen);
  await until('it is synced', () => seen.syncs === 1);
  expect(seen.values.size).toBe(300);
  await bucket.put('model.m1', { n: 'new' });
  await bucket.delete('model.m2');
  await until('the change came', () => seen.values.size === 299);
  expect(seen.values.get('model.m1')).toEqual({ n: 'new' });
  await sleep(400);
  await until('it hears that nothing is new', () => watch.silentMs() < 300);
  // And not because it began anew.
  expect(seen.syncs).toBe(1);
  watch.stop();
});

test('a watch of an empty bucket is synced at once', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const silences: number[] = [];
  const watch = await (
    await bus.kv('policies')
  ).watch('>', { entry: () => undefined, synced: () => silences.push(watch.silentMs()) });
  await until('it is synced', () => silences.length === 1);
  // In the moment that it was.
  expect(silences[0]).toBeLessThan(1_000);
});

test('a watch waits for its bucket to be made', async () => {
  const bus = await connect('control');
  const seen = mirror();
  const watch = await (await bus.kv('policies')).watch('>', seen);
  await sleep(300);
  expect(seen.syncs).toBe(0);
  expect(watch.silentMs()).toBe(Infinity);
  await provisionStreams(bus, {}, ['buckets']);
  await until('it is synced', () => seen.syncs === 1);
});

test('a watch is silent while NATS is away, and holds the truth after it came back', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('keys');
  await bucket.put('one', 1);
  await bucket.put('two', 2);
  const seen = mirror();
  const reader = await connect('ingress');
  const watch = await (await reader.kv('keys')).watch('>', seen);
  await until('it is synced', () => seen.syncs === 1);
  await nats.kill();
  await until('it is silent', () => watch.silentMs() > 600);
  await nats.restart();
  await until('it is synced again', () => seen.syncs >= 2);
  await until('writing works', () =>
    bucket.put('three', 3).then(
      () => true,
      () => false,
    ),
  );
  await bucket.delete('one');
  await until('the changes came', () => seen.values.has('three') && !seen.values.has('one'));
  expect([...seen.values]).toEqual(
    expect.arrayContaining([
      ['two', 2],
      ['three', 3],
    ]),
  );
});

test('a watch starts again when its consumer is deleted behind its back', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('keys');
  await bucket.put('one', 1);
  const seen = mirror();
  const reader = await connect('ingress', { journalAckTimeoutMs: 500 });
  await (await reader.kv('keys')).watch('>', seen);
  await until('it is synced', () => seen.syncs >= 1);
  const { connect: raw } = await import('@nats-io/transport-node');
  const connection = await raw({ servers: nats.url });
  const ask = (subject: string) => connection.request(subject, undefined, { timeout: 20_000 });
  const { consumers } = (await ask('$JS.API.CONSUMER.NAMES.KV_keys')).json<{ consumers: string[] }>();
  await ask(`$JS.API.CONSUMER.DELETE.KV_keys.${consumers[0]}`);
  await connection.close();
  await bucket.put('two', 2);
  await until('it is synced again', () => seen.syncs >= 2 && seen.values.size === 2);
});

test('stopped watches leave no consumer behind', async () => {
  const bus = await connect('control');
  await provisionStreams(bus, {}, ['buckets']);
  const bucket = await bus.kv('keys');
  await bucket.put('one', 1);
  for (let n = 0; n < 5; n += 1) {
    const seen = mirror();
    const watch = await bucket.watch('>', seen);
    await until('it is synced', () => seen.syncs === 1);
    watch.stop();
    await bucket.keys();
  }
  const { connect: raw } = await import('@nats-io/transport-node');
  const connection = await raw({ servers: nats.url });
  await until(
    'they are cleared away',
    async () =>
      (await connection.request('$JS.API.CONSUMER.NAMES.KV_keys', undefined, { timeout: 20_000 })).json<{
        total: number;
      }>().total === 0,
  );
  await connection.close();
}, 60_000);
