// What counts for an endpoint and what does not, and what routers are told.
import type { Bus } from '@waystation/bus';
import {
  HealthCounters,
  WaystationError,
  type CapacityUse,
  type ErrorCode,
  type HealthMessage,
} from '@waystation/contracts';
import { createHealthBoard } from '@waystation/routing';
import type { RelayResult } from '../attempt/relay.js';
import { EndpointHealth } from './endpoint-health.js';

const ATTEMPT = { endpointId: 'e', credentialId: 'operator-key', byok: false };

/** Takes what would go out on the bus. `beat` is a process that shows signs of life. */
const health = async () => {
  const told: HealthMessage[] = [];
  let beat: (message: { instance: string; services: string[] }) => void = () => undefined;
  const time = { ms: 5_000 };
  const used: CapacityUse[] = [];
  const bus = {
    instance: 'worker-1',
    signal: (_contract: unknown, _instance: string, message: unknown) =>
      void told.push(HealthCounters.message.parse(message)),
    onSignal: (_contract: unknown, _instance: unknown, handler: typeof beat) => {
      beat = handler;
      return Promise.resolve({ drain: () => Promise.resolve() });
    },
  };
  const each = new EndpointHealth(
    bus as unknown as Bus,
    60_000,
    (ms) => ms,
    { news: () => [], all: () => used },
    () => time.ms,
  );
  await each.listen(3_000);
  return {
    health: each,
    told,
    time,
    used,
    beat: (instance: string, service: string) => beat({ instance, services: [service] }),
  };
};

const failed = (code: ErrorCode, retryAfterMs?: number): RelayResult => ({
  outcome: 'failed-before-output',
  error: new WaystationError(code, 'x', retryAfterMs === undefined ? {} : { retryAfterMs }),
  report: { usage: {}, usageSource: 'provider' },
  durationMs: 10,
  totalBytes: 0,
});
const completed: RelayResult = {
  outcome: 'completed',
  report: { usage: { input: 5, output: 100 }, usageSource: 'provider' },
  timeToFirstTokenMs: 100,
  durationMs: 1_000,
  totalBytes: 10,
};

describe('endpoint health', () => {
  it.each<[ErrorCode, 'failed' | 'rateLimited' | undefined]>([
    ['provider_unavailable', 'failed'],
    ['provider_overloaded', 'failed'],
    ['provider_timeout', 'failed'],
    ['provider_empty', 'failed'],
    ['provider_stream_broken', 'failed'],
    ['provider_rate_limited', 'rateLimited'],
    ['provider_auth', undefined],
    ['provider_rejected', undefined],
    ['context_length_exceeded', undefined],
    ['content_policy_violation', undefined],
    ['cancelled', undefined],
    ['client_closed_request', undefined],
    ['deadline_exceeded', undefined],
    ['shutting_down', undefined],
    ['journal_unavailable', undefined],
  ])('%s counts as %s', async (code, counted) => {
    const { health: each, told } = await health();
    each.record(ATTEMPT, failed(code));
    await each.close();
    const [subject] = told.flatMap(({ endpoints }) => endpoints);
    expect(subject?.series[0]?.[counted ?? 'failed']).toBe(counted === undefined ? undefined : 1);
  });

  it('tells of what failed which broke when the client had output already', async () => {
    const { health: each, told } = await health();
    each.record(ATTEMPT, failed('provider_stream_broken'));
    each.record(ATTEMPT, { ...failed('provider_stream_broken'), outcome: 'failed-after-output' });
    each.tell();
    expect(told[0]?.endpoints[0]?.series[0]).toMatchObject({ failed: 2, broken: 1 });
  });

  it('tells speed of what succeeded, and the longest rest that was asked for', async () => {
    const { health: each, told } = await health();
    each.record(ATTEMPT, completed);
    each.record(ATTEMPT, failed('provider_rate_limited', 60_000));
    each.record(ATTEMPT, failed('provider_rate_limited', 1_000));
    each.tell();
    const [subject] = told[0]?.endpoints ?? [];
    expect(subject).toMatchObject({ id: 'e', failedInRow: 0, lastSuccessAt: 5_000, restUntil: 65_000 });
    expect(subject?.series).toHaveLength(3);
    expect(subject?.series[0]).toMatchObject({ span: 0, slot: 0, succeeded: 1, failed: 0, rateLimited: 2 });
    const board = createHealthBoard();
    for (let times = 0; times < 5; times += 1) each.record(ATTEMPT, completed);
    each.tell();
    for (const message of told) board.hear(message, 0);
    expect(Math.abs((board.figuresOf('e', 0).latencyMs('p50') ?? 0) - 100)).toBeLessThan(6.3);
    expect(Math.abs((board.figuresOf('e', 0).throughput('p50') ?? 0) - 100)).toBeLessThan(6.3);
  });

  it('rests an endpoint for a second where a provider limits and does not say for how long', async () => {
    const { health: each, told } = await health();
    each.record(ATTEMPT, failed('provider_rate_limited'));
    await each.close();
    expect(told[0]?.endpoints[0]?.restUntil).toBe(6_000);
  });

  it('counts of a credential what the provider thinks of it, and of an own key nothing else', async () => {
    const { health: each, told } = await health();
    const own = { endpointId: 'e', credentialId: 'own-key', byok: true };
    each.record(own, failed('provider_auth'));
    each.record(own, failed('provider_unavailable'));
    each.record(own, failed('provider_rate_limited', 60_000));
    each.record(ATTEMPT, completed);
    each.tell();
    expect(told[0]?.endpoints).toMatchObject([
      { id: 'e', failedInRow: 0, series: [{ succeeded: 1, failed: 0 }, {}, {}] },
    ]);
    expect(told[0]?.endpoints[0]?.restUntil).toBeUndefined();
    expect(told[0]?.credentials).toMatchObject([
      { id: 'own-key', failedInRow: 1, series: [{ succeeded: 0, failed: 1 }, {}, {}] },
      { id: 'operator-key', failedInRow: 0, series: [{ succeeded: 1, failed: 0 }, {}, {}] },
    ]);
  });

  it('tells what is new, twice again, and then nothing', async () => {
    const { health: each, told } = await health();
    each.record(ATTEMPT, failed('provider_unavailable'));
    const rounds: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      const before = told.length;
      each.tell();
      if (told.length > before && told.at(-1)?.endpoints[0]?.series.some(({ span }) => span === 0) === true)
        rounds.push(round);
    }
    expect(rounds).toEqual([0, 4, 16]);
    expect(told.every(({ clockMs }, at) => at === 0 || clockMs > (told[at - 1]?.clockMs ?? 0))).toBe(true);
  });

  it('tells all to a router that is new, or was silent, and nothing more to one that it knows', async () => {
    const { health: each, told, time, beat } = await health();
    each.record(ATTEMPT, completed);
    for (let round = 0; round < 40; round += 1) each.tell();
    const toldAfter = (instance: string, service: string): number => {
      const before = told.length;
      time.ms += 1_000;
      beat(instance, service);
      return told.length - before;
    };
    expect(toldAfter('billing-1', 'billing')).toBe(0);
    expect([1, 2, 3, 4, 5, 6].map(() => toldAfter('router-1', 'router'))).toEqual([1, 1, 1, 1, 0, 0]);
    expect(told.at(-1)?.endpoints[0]?.series.map(({ span }) => span)).toEqual([0, 1, 2]);
    time.ms += 3_000;
    expect(toldAfter('router-1', 'router')).toBe(1);
  });
});
