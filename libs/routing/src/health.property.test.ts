// Whatever is lost, repeated, late or out of order, and whatever clocks say: who has heard all, knows what happened.
import type { HealthMessage } from '@waystation/contracts';
import fc from 'fast-check';
import { bucketOf, figuresFrom, valueOf } from './speed-histogram.js';
import { createHealthBoard, type HealthBoard } from './health.js';
import { createHealthTally } from './health-tally.js';

const NOW = 1_700_000_000_000;
const ROUND_MS = 250;

const observations = fc.array(
  fc.record({
    worker: fc.nat(2),
    round: fc.nat(40),
    verdict: fc.constantFrom('succeeded' as const, 'failed' as const, 'rateLimited' as const),
    times: fc.integer({ min: 1, max: 40 }),
    timeToFirstTokenMs: fc.double({ min: 0.2, max: 60_000, noNaN: true }),
    restMs: fc.option(fc.nat(30_000), { nil: undefined }),
  }),
  { maxLength: 40 },
);

/** All messages of three workers, whose clocks began at other times, and what each would tell a newcomer. */
const messagesOf = (
  all: typeof observations extends fc.Arbitrary<infer Each> ? Each : never,
  bornMs: readonly number[],
) => {
  const tallies = bornMs.map(() => createHealthTally());
  const told: { message: HealthMessage; atMs: number }[] = [];
  const message = (worker: number, atMs: number, endpoints: HealthMessage['endpoints']): HealthMessage => ({
    ...{ v: 2, instance: `worker-${worker}`, clockMs: atMs - (bornMs[worker] ?? 0), endpoints, credentials: [] },
  });
  for (let round = 0; round <= 64; round += 1) {
    const atMs = NOW + round * ROUND_MS;
    tallies.forEach((tally, worker) => {
      const clockMs = atMs - (bornMs[worker] ?? 0);
      for (const each of all)
        if (each.worker === worker && each.round === round)
          for (let time = 0; time < each.times; time += 1)
            tally.record(
              'a',
              { verdict: each.verdict, timeToFirstTokenMs: each.timeToFirstTokenMs, restMs: each.restMs },
              clockMs,
            );
      const news = tally.news(clockMs);
      if (news.length > 0) told.push({ message: message(worker, atMs, news), atMs });
    });
  }
  const endMs = NOW + 65 * ROUND_MS;
  const whole = tallies.map((tally, worker) => message(worker, endMs, tally.all(endMs - (bornMs[worker] ?? 0))));
  return { told, whole, endMs };
};

const knownOf = (board: HealthBoard, atMs: number): unknown => {
  const { uptime, figures, state } = board.statisticsOf('a', atMs);
  const ofFive = board.figuresOf('a', atMs);
  return {
    state,
    uptime: uptime.fiveMinutes,
    halfHour: figures.latencyMs('p90'),
    five: [ofFive.latencyMs('p50'), ofFive.latencyMs('p99')],
    later: board.stateOf('a', atMs + 45_000),
  };
};
const born = fc
  .tuple(fc.nat(10_000_000), fc.nat(10_000_000), fc.nat(10_000_000))
  .map((ages) => ages.map((age) => NOW - age));

describe('any stream of health messages', () => {
  it('says the same to who heard all, some again, and to one who came late', () => {
    fc.assert(
      fc.property(observations, born, fc.array(fc.nat(400), { maxLength: 40 }), (all, bornMs, again) => {
        const { told, whole, endMs } = messagesOf(all, bornMs);
        const [one, repeated, late] = [createHealthBoard(), createHealthBoard(), createHealthBoard()];
        for (const { message, atMs } of told) {
          one.hear(message, atMs);
          repeated.hear(message, atMs);
          repeated.hear(message, atMs);
        }
        for (const each of again) {
          const old = told[each % Math.max(1, told.length)];
          if (old !== undefined) repeated.hear(old.message, endMs);
        }
        for (const message of whole) for (const board of [one, repeated, late]) board.hear(message, endMs);
        const known = knownOf(one, endMs);
        expect(knownOf(repeated, endMs)).toEqual(known);
        expect(knownOf(late, endMs)).toEqual(known);
      }),
      { numRuns: 150 },
    );
  });

  it('heals what was lost, in at most sixteen rounds', () => {
    fc.assert(
      fc.property(observations, born, fc.nat(64), (all, bornMs, lost) => {
        const { told, whole, endMs } = messagesOf(all, bornMs);
        const [one, other] = [createHealthBoard(), createHealthBoard()];
        for (const { message, atMs } of told) {
          one.hear(message, atMs);
          if (atMs !== NOW + lost * ROUND_MS) other.hear(message, atMs);
        }
        // Clocks are read anew; no counts come with it.
        for (const message of whole) for (const board of [one, other]) board.hear({ ...message, endpoints: [] }, endMs);
        expect(knownOf(other, endMs)).toEqual(knownOf(one, endMs));
      }),
      { numRuns: 150 },
    );
  });
});

describe('any percentile', () => {
  it('is within 6.3 % of the true one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 800_000, noNaN: true }), { minLength: 5 }), (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const histogram = values.flatMap((value) => [bucketOf(value), 1]);
        const figures = figuresFrom(
          () => [histogram],
          () => [histogram],
        );
        for (const [name, share] of [
          ['p50', 0.5],
          ['p75', 0.75],
          ['p90', 0.9],
          ['p99', 0.99],
        ] as const) {
          const at = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length - 1e-9) - 1)] ?? 0;
          expect(Math.abs((figures.latencyMs(name) ?? 0) / at(share) - 1)).toBeLessThan(0.063);
          expect(Math.abs((figures.throughput(name) ?? 0) / at(1 - share) - 1)).toBeLessThan(0.063);
        }
      }),
    );
  });

  it.each([0, -5, 1e12])('of %d falls into a bucket that there is', (value) => {
    expect(valueOf(bucketOf(value))).toBeGreaterThan(0);
  });
});
