// What the server holds is what we wanted, or we say why not.
import { createServer } from 'node:net';
import { connect as connectRaw, type NatsConnection } from '@nats-io/transport-node';
import { SUBJECTS } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus } from '../bus.js';
import { connectBus, provisionStreams } from '../connect-bus.js';
import { parseApiReply, type JetStreamApi } from '../jetstream/jetstream-api.js';
import { provisionPlan } from './provision-streams.js';
import { journalPlans } from './stream-configs.js';

let nats: TestNats;
let raw: NatsConnection;
let buses: Bus[] = [];
beforeEach(async () => {
  nats = await natsServer();
  raw = await connectRaw({ servers: nats.url });
});
afterEach(async () => {
  await raw.close();
  await Promise.all(buses.map((bus) => bus.close(500)));
  buses = [];
  await nats.stop();
});

const connect = async (...services: string[]): Promise<Bus> => {
  const service = services[0] ?? 'tool';
  const times = { journalAckTimeoutMs: 20_000 };
  const bus = await connectBus({ url: nats.url, service, services, release: 'test', times });
  buses.push(bus);
  return bus;
};
const ask = async (subject: string, payload?: unknown): Promise<Record<string, unknown>> =>
  (await raw.request(subject, payload === undefined ? undefined : JSON.stringify(payload), { timeout: 20_000 })).json();
const configOf = async (subject: string): Promise<Record<string, unknown>> =>
  (await ask(subject))['config'] as Record<string, unknown>;
const streams = async (): Promise<string[]> =>
  ((await ask('$JS.API.STREAM.NAMES'))['streams'] as string[] | null)?.sort() ?? [];

test('everything is made as designed, by many at once, and again', async () => {
  const everybody = await Promise.all([connect(), connect(), connect()]);
  await Promise.all(everybody.map((bus) => provisionStreams(bus)));
  await provisionStreams(everybody[0] as Bus);
  expect(await streams()).toEqual(
    [
      'FACTS',
      'KV_affinity',
      'KV_answers',
      'KV_catalog',
      'KV_credentials',
      'KV_idempotency',
      'KV_keys',
      'KV_policies',
      'KV_workspaces',
      'TRAIL',
    ].sort(),
  );
  expect(await configOf('$JS.API.STREAM.INFO.FACTS')).toMatchObject({
    storage: 'file',
    retention: 'interest',
    discard: 'new',
    max_bytes: 1024 ** 3,
    duplicate_window: 120e9,
  });
  expect(await configOf('$JS.API.STREAM.INFO.TRAIL')).toMatchObject({ retention: 'limits', discard: 'old' });
  expect(await configOf('$JS.API.CONSUMER.INFO.FACTS.billing')).toMatchObject({
    ack_policy: 'explicit',
    ack_wait: 10e9,
  });
  expect(await configOf('$JS.API.STREAM.INFO.KV_idempotency')).toMatchObject({
    max_age: 86_400e9,
    max_msgs_per_subject: 1,
  });
  expect(await configOf('$JS.API.STREAM.INFO.KV_affinity')).toMatchObject({ max_age: 600e9 });
});

test('a service makes only what it looks after', async () => {
  await provisionStreams(await connect('billing'));
  expect(await streams()).toEqual(['FACTS']);
  await provisionStreams(await connect('logging'));
  expect(await streams()).toEqual(['FACTS', 'TRAIL']);
});

test('what may be changed is changed', async () => {
  const bus = await connect();
  await provisionStreams(bus, {}, ['FACTS']);
  await provisionStreams(bus, { factsBytesMax: 5_000_000 }, ['FACTS']);
  expect(await configOf('$JS.API.STREAM.INFO.FACTS')).toMatchObject({ max_bytes: 5_000_000, retention: 'interest' });
  await ask('$JS.API.CONSUMER.CREATE.FACTS.billing', {
    stream_name: 'FACTS',
    config: { name: 'billing', durable_name: 'billing', ack_policy: 'explicit', deliver_policy: 'all', ack_wait: 1e9 },
  });
  await provisionStreams(bus, {}, ['FACTS']);
  expect(await configOf('$JS.API.CONSUMER.INFO.FACTS.billing')).toMatchObject({ ack_wait: 10e9 });
});

/** JetStream's API, with a line published before each request, as a service does that goes on writing; counts those that were acked. */
const whileLinesCome = (): { api: JetStreamApi; acked: () => number } => {
  let acked = 0;
  const publish = async (): Promise<void> => {
    const answer = await raw.request(SUBJECTS.moneyFact('worker-1'), '{}', { timeout: 20_000 }).catch(() => undefined);
    if (answer?.json<{ seq?: number }>().seq !== undefined) acked += 1;
  };
  const request = async (subject: string, payload: unknown): Promise<Record<string, unknown>> => {
    await publish();
    const reply = await raw.request(subject, payload === undefined ? '' : JSON.stringify(payload), { timeout: 20_000 });
    return parseApiReply(reply.data, subject);
  };
  return { api: { request, exchange: () => Promise.reject(new Error('not used')) }, acked: () => acked };
};
const { FACTS } = journalPlans({}, 10_000);

test.each([1, 3])('no line is acked and dropped while %d processes make the stream', async (processes) => {
  const lines = whileLinesCome();
  await Promise.all(Array.from({ length: processes }, () => provisionPlan(lines.api, FACTS, () => undefined)));
  await lines.api.request('$JS.API.INFO', undefined);
  expect(lines.acked()).toBeGreaterThan(0);
  expect(await ask('$JS.API.CONSUMER.INFO.FACTS.billing')).toMatchObject({ num_pending: lines.acked() });
  expect(await configOf('$JS.API.STREAM.INFO.FACTS')).toMatchObject({ subjects: [SUBJECTS.moneyFactAny] });
});

test.each(['without its durable', 'with its durable'])(
  'a stream that its maker left closed, %s, is finished by the next',
  async (how) => {
    const lines = whileLinesCome();
    let left = false;
    const dies: JetStreamApi = {
      ...lines.api,
      request(subject, payload) {
        left ||= subject.startsWith(how === 'with its durable' ? '$JS.API.STREAM.UPDATE' : '$JS.API.CONSUMER.CREATE');
        return left ? Promise.reject(new Error('it died')) : lines.api.request(subject, payload);
      },
    };
    await expect(provisionPlan(dies, FACTS, () => undefined)).rejects.toThrow('it died');
    expect(lines.acked()).toBe(0);
    await provisionPlan(lines.api, FACTS, () => undefined);
    await lines.api.request('$JS.API.INFO', undefined);
    expect(lines.acked()).toBeGreaterThan(0);
    expect(await ask('$JS.API.CONSUMER.INFO.FACTS.billing')).toMatchObject({ num_pending: lines.acked() });
  },
);

test('a stream that keeps less than it must is refused, with what differs', async () => {
  await ask('$JS.API.STREAM.CREATE.FACTS', {
    name: 'FACTS',
    subjects: [SUBJECTS.moneyFactAny],
    storage: 'memory',
    retention: 'limits',
    discard: 'old',
    num_replicas: 1,
  });
  await expect(provisionStreams(await connect(), {}, ['FACTS'])).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringMatching(/Stream FACTS .*storage is "memory" instead of "file"/) as unknown,
  });
});

test('a server older than 2.10 is refused with a clear message', async () => {
  const info = { server_id: 'x', version: '2.9.25', max_payload: 1_048_576, headers: true, proto: 1 };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (bytes) => bytes.includes('PING') && socket.write('PONG\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const attempt = connectBus({ url: `nats://127.0.0.1:${port}`, service: 'tool', services: [], release: 'test' });
  await expect(attempt).rejects.toMatchObject({
    code: 'bus_unavailable',
    message: 'NATS server 2.9.25 is too old; Waystation needs 2.10 or newer.',
  });
  server.close();
});

test('a server that is not there is an error after the time given, not for ever', async () => {
  const options = { url: 'nats://user:secret@127.0.0.1:1', service: 'tool', services: [], release: 'test' };
  const error: unknown = await connectBus({ ...options, connectTimeoutMs: 300 }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'bus_unavailable' });
  expect(String(error)).not.toContain('secret');
});
