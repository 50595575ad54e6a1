// Three routers over a real NATS hear three workers, one of them late, and say the same of every endpoint.
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import { HealthCounters, SNAPSHOT_KEYS, type EndpointEntry, type ProviderEntry } from '@waystation/contracts';
import { createHealthTally, type HealthTally } from '@waystation/routing';
import { createHealth, createMetrics } from '@waystation/runtime';
import { natsServer, type TestNats } from '@waystation/testing';
import { pino } from 'pino';
import { createRoutingState, type RoutingState } from './routing-state.js';

const STAMP = { v: 1 as const, version: 1 };
const SLUGS = ['good', 'flaky', 'dead', 'limited', 'quiet'] as const;
/** Of the workers' telling. */
const ROUND_MS = 250;
/** Two seconds. */
const ROUNDS = 8;
const WAIT_MS = 20_000;

/** The routers' clock. It goes on with the rounds alone: nothing grows old while the machine stands still. */
let nowMs = Date.now();
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
    times: { aliveEveryMs: 100, reconnectWaitMs: 50, journalAckTimeoutMs: WAIT_MS },
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
    return router.snapshot(nowMs).index.byModel.size > 0;
  } catch {
    return false;
  }
};
/** Until it no longer throws, or with what it throws when the time is over. */
const eventually = async (holds: () => void): Promise<void> => {
  for (const endsAt = performance.now() + WAIT_MS; ; await sleep(10)) {
    try {
      return holds();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
    }
  }
};
const untilReady = (router: RoutingState): Promise<void> => eventually(() => expect(isReady(router)).toBe(true));

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
  nowMs += ROUND_MS;
  for (const worker of workers) {
    worker.clockMs += ROUND_MS;
    const endpoints = worker.tally[part](worker.clockMs);
    if (endpoints.length > 0)
      worker.bus.signal(HealthCounters, worker.bus.instance, {
        ...{ v: 2, instance: worker.bus.instance, clockMs: worker.clockMs, endpoints, credentials: [] },
      });
  }
};
const knownBy = (router: RoutingState): unknown => {
  const { health } = router.snapshot(nowMs);
  return SLUGS.map((slug) => [
    slug,
    health.stateOf(idOf(slug), nowMs),
    health.figuresOf(idOf(slug), nowMs).latencyMs('p90'),
    health.statisticsOf(idOf(slug), nowMs).uptime,
  ]);
};
/** A signal has no answer. */
const untilKnown = (expected: unknown): Promise<void> =>
  eventually(() => {
    for (const router of routers) expect(knownBy(router)).toEqual(expected);
  });

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
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  for (let each = 0; each < 2; each += 1) await untilReady(await startRouter());
}, 60_000);

afterAll(async () => {
  jest.restoreAllMocks();
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
    // Coarse counts follow the fine ones within two seconds.
    for (let round = 1; round <= ROUNDS; round += 1) tellAll('news');
    await untilKnown(expected);
    const [first] = routers;
    if (first === undefined) throw new Error('no router runs');
    expected = knownBy(first);

    await untilReady(await startRouter());
    tellAll('all');
    await untilKnown(expected);
  });

  it('take turns at trying what is out', async () => {
    await eventually(() => {
      const places = routers.map((router) => router.turn());
      expect(places.map(({ of }) => of)).toEqual([3, 3, 3]);
      expect(places.map(({ place }) => place).sort()).toEqual([0, 1, 2]);
    });
  });

  it('agree that it is back, all of them, after one success', async () => {
    const [worker] = workers;
    worker?.tally.record(idOf('dead'), { verdict: 'succeeded' }, worker.clockMs + 1);
    tellAll('news');
    await eventually(() => {
      for (const router of routers)
        expect(router.snapshot(nowMs).health.stateOf(idOf('dead'), nowMs)).toBe('recent-outage');
    });
  });
});
