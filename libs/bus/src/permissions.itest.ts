// deploy/nats/accounts.conf on a real server: every service can do what it must, and is refused what is not its business.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectRaw, type NatsConnection } from '@nats-io/transport-node';
import { SUBJECTS, type MoneyLine, type TrailLine } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import type { Bus, KvWatchHandler } from './bus.js';
import { connectBus, provisionStreams } from './connect-bus.js';
import { Echo, Pour, Wave } from './test-contracts.js';
import { gather } from './test-readers.js';

let nats: TestNats;
const buses: Bus[] = [];
const logged: string[] = [];
beforeAll(async () => {
  nats = await natsServer({ accounts: true });
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close(2_000)));
  await nats.stop();
});

const connect = async (service: string, services = [service]): Promise<Bus> => {
  const bus = await connectBus({
    url: nats.url,
    ...credentialsOf(service),
    service,
    services,
    release: 'test',
    // A machine that stands still must not decide what is possible.
    times: {
      aliveEveryMs: 200,
      acceptTimeoutMs: 20_000,
      lostAfterMs: 30_000,
      rpcTimeoutMs: 20_000,
      journalAckTimeoutMs: 20_000,
    },
    log: (level, message, fields) => {
      if (level === 'error') logged.push(`${service}: ${message} ${JSON.stringify(fields)}`);
    },
  });
  buses.push(bus);
  return bus;
};
const credentialsOf = (service: string): { user: string; password: string } => {
  const found = nats.credentials[service];
  if (found === undefined) throw new Error(`no user ${service}`);
  return found;
};
const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const giveUpAt = Date.now() + 20_000; !condition(); await sleep(10)) {
    if (Date.now() > giveUpAt) throw new Error(`still waiting until ${what}; refused: ${logged.join('; ')}`);
  }
};
const watched = (): KvWatchHandler & { syncs: number; keys: string[] } => ({
  syncs: 0,
  keys: [],
  entry(key) {
    this.keys.push(key);
  },
  synced() {
    this.syncs += 1;
  },
});
const moneyLine = { kind: 'attempt.progressed' } as unknown as MoneyLine;
const trailLine = { kind: 'generation.recorded' } as unknown as TrailLine;

/** Works through everything a data plane and a back office do together. */
const exercise = async (who: {
  ingress: Bus;
  router: Bus;
  worker: Bus;
  billing: Bus;
  logging: Bus;
  control: Bus;
}): Promise<void> => {
  const { ingress, router, worker, billing, logging, control } = who;
  for (const bus of new Set([billing, logging, control])) await provisionStreams(bus);
  const subscriptions = await Promise.all([
    control.handle(Echo, ({ text }) => ({ text, by: control.instance })),
    worker.handleStream(Pour, undefined, (_request, body, writer) => {
      writer.write(Buffer.from(String(body.length)));
      writer.end({ said: 'bye' });
    }),
    router.onSignal(Wave, undefined, () => (waves += 1)),
  ]);
  let waves = 0;
  // rpc and streams, with a body in parts
  expect(await ingress.request(Echo, { v: 1, text: 'hi' })).toMatchObject({ by: control.instance });
  const reader = gather();
  const body = Buffer.alloc(2_000_000);
  reader.follow(
    ingress.openStream(Pour, 'acme', { v: 1, how: 'x' }, body, { deadlineAt: Date.now() + 20_000 }, reader),
  );
  expect(await reader.done).toMatchObject({ bytes: 7, end: { said: 'bye' } });
  // signals
  worker.signal(Wave, worker.instance, { v: 1, count: 1 });
  await until('the wave came', () => waves === 1);
  // journal
  const lines = { FACTS: 0, TRAIL: 0 };
  const consumers = await Promise.all([
    billing.consume('FACTS', { batchLines: 10, maxInFlight: 10 }, async (batch) => void (lines.FACTS += batch.length)),
    logging.consume('TRAIL', { batchLines: 10, maxInFlight: 10 }, async (batch) => void (lines.TRAIL += batch.length)),
  ]);
  await until('journals are healthy', () => ingress.facts.healthy && worker.facts.healthy && ingress.trail.healthy);
  await Promise.all([ingress.facts.append(moneyLine), worker.facts.append(moneyLine), ingress.trail.append(trailLine)]);
  await until('lines came', () => lines.FACTS === 2 && lines.TRAIL === 1);
  expect((await consumers[0].progress()).lastSequence).toBeGreaterThan(0);
  // snapshots
  const key = `k${Math.trunc(performance.now())}`;
  for (const bucket of ['keys', 'workspaces', 'policies', 'catalog', 'credentials'] as const) {
    const kv = await control.kv(bucket);
    await kv.put(key, { v: 1 });
    expect(await kv.get(key)).toEqual({ v: 1 });
    expect(await kv.keys()).toContain(key);
    for (const bus of readersOf(bucket, who)) {
      const handler = watched();
      const watch = await (await bus.kv(bucket)).watch('>', handler);
      await until(`${bus.instance} is synced with ${bucket}`, () => handler.syncs === 1 && handler.keys.includes(key));
      watch.stop();
    }
    await kv.delete(key);
  }
  for (const bucket of ['idempotency', 'affinity', 'answers'] as const) {
    const kv = await ingress.kv(bucket);
    expect(await kv.create(key, { v: 1 })).toBe(true);
    expect(await kv.create(key, { v: 1 })).toBe(false);
    await kv.delete(key);
  }
  await Promise.all([...subscriptions, ...consumers].map((each) => each.drain()));
  expect(logged).toEqual([]);
};

const readersOf = (bucket: string, who: { ingress: Bus; router: Bus; worker: Bus; logging: Bus }): Bus[] => {
  switch (bucket) {
    case 'catalog':
      return [who.ingress, who.router, who.worker, who.logging];
    case 'policies':
      return [who.ingress, who.router, who.logging];
    case 'credentials':
      return [who.worker];
    case 'keys':
      return [who.ingress];
    default:
      return [who.ingress, who.router];
  }
};

test('each service alone can do what it must', async () => {
  const [ingress, router, worker, billing, logging, control] = await Promise.all(
    (['ingress', 'router', 'worker', 'billing', 'logging', 'control'] as const).map((service) => connect(service)),
  );
  await exercise({ ingress, router, worker, billing, logging, control } as Parameters<typeof exercise>[0]);
});

test('the fused processes can do what their services must', async () => {
  const dataPlane = await connect('data-plane', ['ingress', 'router', 'worker']);
  const backOffice = await connect('back-office', ['billing', 'logging', 'control']);
  await exercise({
    ingress: dataPlane,
    router: dataPlane,
    worker: dataPlane,
    billing: backOffice,
    logging: backOffice,
    control: backOffice,
  });
});

describe('refused is', () => {
  const publish = (connection: NatsConnection, subject: string): void => connection.publish(subject, 'x');
  const subscribe = (connection: NatsConnection, subject: string, queue?: string): void =>
    void connection.subscribe(subject, { callback: () => undefined, ...(queue === undefined ? {} : { queue }) });

  test.each<[string, string, (connection: NatsConnection) => void]>([
    ['ingress', 'writing keys', (c) => publish(c, '$KV.keys.a')],
    ['worker', 'writing keys', (c) => publish(c, '$KV.keys.a')],
    ['data-plane', 'writing the catalog', (c) => publish(c, '$KV.catalog.head')],
    ['ingress', 'reading credentials', (c) => publish(c, '$JS.API.DIRECT.GET.KV_credentials.$KV.credentials.a')],
    ['router', 'reading credentials', (c) => publish(c, '$JS.API.CONSUMER.CREATE.KV_credentials.x.$KV.credentials.>')],
    ['ingress', 'reading facts', (c) => publish(c, '$JS.API.CONSUMER.MSG.NEXT.FACTS.billing')],
    ['ingress', 'a consumer of its own on facts', (c) => publish(c, '$JS.API.CONSUMER.CREATE.FACTS.x')],
    ['worker', 'deleting a stream', (c) => publish(c, '$JS.API.STREAM.DELETE.FACTS')],
    ['back-office', 'deleting a stream', (c) => publish(c, '$JS.API.STREAM.DELETE.FACTS')],
    ['billing', 'purging facts', (c) => publish(c, '$JS.API.STREAM.PURGE.FACTS')],
    ['billing', 'making a stream over rpcs', (c) => publish(c, '$JS.API.STREAM.CREATE.SPY')],
    ['logging', 'acking facts', (c) => publish(c, '$JS.ACK.FACTS.billing.1.1.1.1.1')],
    ['router', 'writing facts', (c) => publish(c, SUBJECTS.moneyFact('router-1'))],
    ['billing', 'writing facts', (c) => publish(c, SUBJECTS.moneyFact('billing-1'))],
    ['worker', 'writing the trail', (c) => publish(c, SUBJECTS.trailFact('worker-1'))],
    ['worker', 'asking for leases', (c) => publish(c, SUBJECTS.lease('grant'))],
    ['worker', 'running attempts elsewhere', (c) => publish(c, SUBJECTS.attemptRun('acme'))],
    ['router', 'management calls', (c) => publish(c, SUBJECTS.management('control', 'key', 'create'))],
    ['logging', 'management calls to billing', (c) => publish(c, SUBJECTS.management('billing', 'credits', 'grant'))],
    ['billing', 'making keys', (c) => publish(c, SUBJECTS.management('control', 'key', 'create'))],
    ['worker', "answering in a router's inbox", (c) => publish(c, '_INBOX.router.x.y')],
    ['ingress', 'telling workers health', (c) => publish(c, SUBJECTS.health('x'))],
    ['worker', "listening to the ingress's inbox", (c) => subscribe(c, '_INBOX.ingress.>')],
    ['router', 'listening to every inbox', (c) => subscribe(c, '_INBOX.>')],
    ['worker', 'attempts outside the queue group', (c) => subscribe(c, SUBJECTS.attemptRunAny)],
    ['worker', 'attempts in another queue group', (c) => subscribe(c, SUBJECTS.attemptRun('acme'), 'spy')],
    ['ingress', 'taking attempts', (c) => subscribe(c, SUBJECTS.attemptRunAny, 'worker')],
    ['router', 'taking leases', (c) => subscribe(c, SUBJECTS.lease('grant'), 'billing')],
    ['logging', 'listening to facts', (c) => subscribe(c, SUBJECTS.moneyFactAny)],
    ['control', 'listening to everything', (c) => subscribe(c, '>')],
  ])('%s %s', async (service, _what, attempt) => {
    const { user, password } = credentialsOf(service);
    const connection = await connectRaw({ servers: nats.url, user, pass: password });
    const refused = (async () => {
      for await (const status of connection.status()) if (status.type === 'error') return status.error.message;
      return undefined;
    })();
    attempt(connection);
    await connection.flush();
    await connection.flush();
    await connection.close();
    expect(await refused).toMatch(/permissions violation/i);
  });

  test('anybody without a password, or with a wrong one', async () => {
    await expect(connectRaw({ servers: nats.url, reconnect: false })).rejects.toThrow(/authorization/i);
    const attempt = connectBus({
      url: nats.url,
      user: 'ingress',
      password: 'guess',
      service: 'ingress',
      services: ['ingress'],
      release: 'test',
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'bus_unavailable',
      message: expect.stringContaining('refused user ingress') as unknown,
    });
  });

  test('a call beyond the permissions fails at once and says so', async () => {
    const router = await connect('router');
    logged.length = 0;
    await expect(router.request(Echo, { v: 1, text: 'x' })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('check the permissions') as unknown,
    });
    expect(logged.join()).toContain('NATS refused a subject');
    logged.length = 0;
  });
});
