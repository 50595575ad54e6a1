// What counts for an endpoint and what does not, and what routers are told.
import type { Bus } from '@waystation/bus';
import { HealthCounters, WaystationError, type ErrorCode } from '@waystation/contracts';
import type { RelayResult } from '../attempt/relay.js';
import { EndpointHealth, bucketOf } from './endpoint-health.js';

/** Takes what would go out on the bus. */
const health = () => {
  const told: unknown[] = [];
  const bus = {
    instance: 'worker-1',
    signal: (_contract: unknown, _instance: string, message: unknown) =>
      void told.push(HealthCounters.message.parse(message)),
  };
  return {
    health: new EndpointHealth(bus as unknown as Bus, 60_000),
    told: told as { endpoints: Record<string, unknown>[] }[],
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
  durationMs: 1_100,
  totalBytes: 10,
};

describe('endpoint health', () => {
  it.each([
    [0, 0],
    [1, 0],
    [1.5, 1],
    [2, 2],
    [100, 13],
    [1e12, 63],
  ])('%d falls into bucket %i', (value, bucket) => {
    expect(bucketOf(value)).toBe(bucket);
  });

  it.each<[ErrorCode, string | undefined]>([
    ['provider_unavailable', 'failed'],
    ['provider_overloaded', 'failed'],
    ['provider_timeout', 'failed'],
    ['provider_auth', 'failed'],
    ['provider_empty', 'failed'],
    ['provider_stream_broken', 'failed'],
    ['provider_rate_limited', 'rateLimited'],
    ['provider_rejected', undefined],
    ['context_length_exceeded', undefined],
    ['content_policy_violation', undefined],
    ['cancelled', undefined],
    ['client_closed_request', undefined],
    ['deadline_exceeded', undefined],
    ['shutting_down', undefined],
    ['journal_unavailable', undefined],
  ])('%s counts as %s', (code, counted) => {
    const { health: each, told } = health();
    each.record('e', failed(code));
    each.close();
    expect(told[0]?.endpoints[0]?.[counted ?? 'none'] ?? 'none').toBe(counted === undefined ? 'none' : 1);
  });

  it('tells speed of what succeeded, the longest rest that was asked for, and then begins anew', () => {
    const { health: each, told } = health();
    each.record('e', completed);
    each.record('e', failed('provider_rate_limited', 60_000));
    each.record('e', failed('provider_rate_limited', 1_000));
    each.tell();
    each.tell();
    each.close();
    expect(told).toHaveLength(1);
    const [counters] = told[0]?.endpoints ?? [];
    expect(counters).toMatchObject({ endpointId: 'e', succeeded: 1, rateLimited: 2, failed: 0 });
    expect((counters?.['timeToFirstTokenMs'] as number[]).at(bucketOf(100))).toBe(1);
    expect((counters?.['tokensPerSecond'] as number[]).at(bucketOf(100))).toBe(1);
    expect(counters?.['restUntilMs']).toBeGreaterThan(Date.now() + 50_000);
  });
});
