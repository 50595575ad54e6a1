// Three routers over a real NATS hear three workers, one of them late, and say the same of every endpoint.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import { HealthCounters, SNAPSHOT_KEYS, type EndpointEntry, type ProviderEntry } from '@waystation/contracts';
import { createHealthTally, type HealthTally } from '@waystation/routing';
import { createHealth, createMetrics } from '@waystation/runtime';
import { natsServer, type TestNats } from '@waystation/testing';
import { pino } from 'pino';
import { createRoutingState, type RoutingState } from './routing-state.js';

const STAMP = { v: 1 as const, version: 1 };
const SLUGS = ['good', 'flaky', 'dead', 'limited', 'quiet'] as const;
/** As workers do it four times a second: two seconds. */
const ROUNDS_MAX = 8;

let nats: TestNats;
let control: Bus;
const buses: Bus[] = [];
const routers: RoutingState[] = [];
const workers: { readonly bus: Bus; readonly tally: HealthTally; clockMs: number }[] = [];

const idOf = (slug: string): string => `lab/one@${slug}`;
const busOf = async (service: string): Promise<Bus> => {
  const bus = await connectBus({
    url: nats.url,
    service,
    services: [service],
    release: 'test',
    times: { aliveEveryMs: 100, pingEveryMs: 200, reconnectWaitMs: 50 },
  });
  buses.push(bus);
  return bus;
};
const startRouter = async (): Promise<RoutingState> => {
  const bus = await busOf('router');
  const router = await createRoutingState({
    bus,
    log: pino({ level: 'silent' }),
    health: createHealth(),
    metrics: createMetrics(),
    scaleMs: (ms) => ms,
  });
  routers.push(router);
  return router;
};
const isReady = (router: RoutingState): boolean => {
  try {
    return router.snapshot(Date.now()).index.byModel.size > 0;
  } catch {
    return false;
  }
};
const untilReady = async (router: RoutingState): Promise<void> => {
  for (let tries = 0; tries < 500 && !isReady(router); tries += 1) await sleep(10);
  expect(isReady(router)).toBe(true);
};

const provider = (slug: string): ProviderEntry => ({
  ...{ ...STAMP, slug, name: slug, dialect: 'openai-chat', baseUrl: 'https://example.com', allowPrivateAddress: false },
  ...{ credentialId: `operator-${slug}`, dataPolicy: { retains: false, trains: false }, billsAfterCancel: false },
});
const endpoint = (slug: string): EndpointEntry => ({
  ...{ ...STAMP, id: idOf(slug), model: 'lab/one', provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'] },
  ...{ context: 1_000, inputModalities: ['text'], outputModalities: ['text'], supportedParameters: [] },
  ...{ priceVersion: `price-${'0'.repeat(32)}`, price: { perUnit: { input: '1', output: '1' } }, enabled: true },
});

/** One round of every worker's telling. */
const tellAll = (part: 'news' | 'all'): void => {
  for (const worker of workers) {
    worker.clockMs += 250;
    const endpoints = worker.tally[part](worker.clockMs);
    if (endpoints.length > 0)
      worker.bus.signal(HealthCounters, worker.bus.instance, {
        ...{ v: 2, instance: worker.bus.instance, clockMs: worker.clockMs, endpoints, credentials: [] },
      });
  }
};
const knownBy = (router: RoutingState, nowMs: number): unknown => {
  const { health } = router.snapshot(nowMs);
  return SLUGS.map((slug) => [
    slug,
    health.stateOf(idOf(slug), nowMs),
    health.figuresOf(idOf(slug), nowMs).latencyMs('p90'),
    health.statisticsOf(idOf(slug), nowMs).uptime,
  ]);
};
/** Rounds until all that listen know what is expected. */
const roundsUntil = async (expected: unknown, part: 'news' | 'all' = 'news'): Promise<number> => {
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    tellAll(part);
    // A signal has no answer. Each router's own beat went the same way, and a round lasts as long.
    await sleep(250);
    const nowMs = Date.now();
    if (routers.every((router) => JSON.stringify(knownBy(router, nowMs)) === JSON.stringify(expected))) return round;
  }
  const nowMs = Date.now();
  for (const router of routers) expect(knownBy(router, nowMs)).toEqual(expected);
  return ROUNDS_MAX + 1;
};

beforeAll(async () => {
  nats = await natsServer();
  control = await busOf('control');
  await provisionStreams(control, {}, ['buckets']);
  const catalog = await control.kv('catalog');
  for (const slug of SLUGS) {
    await catalog.put(SNAPSHOT_KEYS.provider(slug), provider(slug));
    await catalog.put(SNAPSHOT_KEYS.endpoint(idOf(slug)), endpoint(slug));
  }
  await catalog.put(SNAPSHOT_KEYS.head, { ...STAMP, entities: 2 * SLUGS.length, at: 0 });
  await (await control.kv('policies')).put(SNAPSHOT_KEYS.head, { ...STAMP, entities: 0, at: 0 });
  for (const bornMs of [0, 86_400_000, 123_456]) {
    workers.push({ bus: await busOf('worker'), tally: createHealthTally(), clockMs: bornMs });
  }
  for (let each = 0; each < 2; each += 1) await untilReady(await startRouter());
}, 60_000);

afterAll(async () => {
  await Promise.allSettled(routers.map((router) => router.close()));
  await Promise.allSettled(buses.map((bus) => bus.close(500)));
  await nats?.stop();
});

describe('routers that hear the same workers', () => {
  const day = (share: number) => ({ fiveMinutes: share, halfHour: share, day: share });
  let expected: unknown;

  it('say the same within two seconds, one that comes late too', async () => {
    for (const worker of workers) {
      for (let each = 0; each < 40; each += 1) {
        worker.tally.record(idOf('good'), { verdict: 'succeeded', timeToFirstTokenMs: 100 }, worker.clockMs);
        worker.tally.record(idOf('flaky'), { verdict: each % 2 === 0 ? 'failed' : 'succeeded' }, worker.clockMs);
      }
      for (let each = 0; each < 4; each += 1) worker.tally.record(idOf('dead'), { verdict: 'failed' }, worker.clockMs);
      worker.tally.record(idOf('limited'), { verdict: 'rateLimited', restMs: 60_000 }, worker.clockMs);
    }
    expected = [
      ['good', 'stable', expect.closeTo(100, -1.2), day(100)],
      ['flaky', 'down', undefined, day(50)],
      ['dead', 'out', undefined, day(0)],
      ['limited', 'resting', undefined, {}],
      ['quiet', 'stable', undefined, {}],
    ];
    tellAll('news');
    await sleep(250);
    const [first] = routers;
    if (first === undefined) throw new Error('no router runs');
    // Coarse counts follow the fine ones within two seconds.
    for (let round = 1; round < ROUNDS_MAX; round += 1) tellAll('news');
    await sleep(250);
    const nowMs = Date.now();
    expect(knownBy(first, nowMs)).toEqual(expected);
    expected = knownBy(first, nowMs);

    await untilReady(await startRouter());
    expect(await roundsUntil(expected, 'all')).toBeLessThanOrEqual(ROUNDS_MAX);
  });

  it('take turns at trying what is out', () => {
    const places = routers.map((router) => router.turn());
    expect(places.map(({ of }) => of)).toEqual([3, 3, 3]);
    expect(places.map(({ place }) => place).sort()).toEqual([0, 1, 2]);
  });

  it('agree that it is back, all of them, after one success', async () => {
    const [worker] = workers;
    worker?.tally.record(idOf('dead'), { verdict: 'succeeded' }, worker.clockMs + 1);
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      tellAll('news');
      await sleep(250);
      const states = routers.map((router) => {
        const nowMs = Date.now();
        return router.snapshot(nowMs).health.stateOf(idOf('dead'), nowMs);
      });
      if (states.every((state) => state === 'recent-outage')) return;
    }
    throw new Error('not within two seconds of rounds');
  });
});
