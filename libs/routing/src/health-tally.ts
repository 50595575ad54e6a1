// What one worker counts of endpoints and credentials, by stretches of its own clock, and what of it is to be told. Absolute counts, so that a message that comes twice, late
// or out of order changes nothing, and what was lost is told again. Pure: time is a parameter.
import type { HealthSeries, HealthSubject } from '@waystation/contracts';
import { bucketOf } from './speed-histogram.js';

/** Finer ones for routing, coarser ones for what people are shown. All are counted by the same clock. */
export const HEALTH_SPANS = [
  { slotMs: 10_000, slots: 30, everyRounds: 1, histograms: true },
  { slotMs: 60_000, slots: 30, everyRounds: 8, histograms: true },
  { slotMs: 3_600_000, slots: 24, everyRounds: 8, histograms: false },
] as const;

/** No provider rests an endpoint for longer than this, whatever its Retry-After says. */
const REST_MS_MAX = 600_000;

/** So many rounds after its last change a count is told: at once, and again, which makes up for what was lost meanwhile. */
const TOLD_AFTER_ROUNDS: ReadonlySet<number> = new Set([0, 4, 16]);
/** Coarse counts are told more rarely, and for so many rounds after their last change. */
const COARSE_REPEAT_ROUNDS = 16;

/** How an attempt ended, as far as it says something about who was asked. */
export interface Observation {
  readonly verdict: 'succeeded' | 'failed' | 'rateLimited';
  /** As the provider told, from now. */
  readonly restMs?: number | undefined;
  readonly timeToFirstTokenMs?: number | undefined;
  readonly tokensPerSecond?: number | undefined;
}

interface Slot {
  succeeded: number;
  failed: number;
  rateLimited: number;
  readonly latency: Map<number, number>;
  readonly throughput: Map<number, number>;
  /** Round in which it was last changed. */
  changedIn: number;
}

interface Subject {
  failedInRow: number;
  lastSuccessAt: number | undefined;
  lastFailureAt: number | undefined;
  restUntil: number | undefined;
  readonly spans: readonly Map<number, Slot>[];
  changedIn: number;
}

export interface HealthTally {
  /** @param atMs the worker's own clock, which never goes back */
  record(id: string, observation: Observation, atMs: number): void;
  /** What has changed or is to be told again. Each call is a round. */
  news(atMs: number): HealthSubject[];
  /** All that is still of use, for one who has heard nothing yet. */
  all(atMs: number): HealthSubject[];
}

const bump = (counts: Map<number, number>, value: number): void => {
  const bucket = bucketOf(value);
  counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
};

const histogramOf = (counts: ReadonlyMap<number, number>): number[] | undefined =>
  counts.size === 0 ? undefined : [...counts].sort(([a], [b]) => a - b).flat();

export const createHealthTally = (scaleMs: (ms: number) => number = (ms) => ms): HealthTally => {
  const subjects = new Map<string, Subject>();
  const slotMs = HEALTH_SPANS.map((span) => scaleMs(span.slotMs));
  let round = 0;

  const slotAt = (span: number, atMs: number): number => Math.floor(atMs / (slotMs[span] ?? 1));

  const subjectOf = (id: string): Subject => {
    const known = subjects.get(id);
    if (known !== undefined) return known;
    const fresh: Subject = {
      ...{ failedInRow: 0, lastSuccessAt: undefined, lastFailureAt: undefined, restUntil: undefined },
      spans: HEALTH_SPANS.map(() => new Map()),
      changedIn: round,
    };
    subjects.set(id, fresh);
    return fresh;
  };

  const slotOf = (subject: Subject, span: number, atMs: number): Slot | undefined => {
    const slots = subject.spans[span];
    if (slots === undefined) return undefined;
    const number = slotAt(span, atMs);
    const known = slots.get(number);
    if (known !== undefined) return known;
    const fresh = { succeeded: 0, failed: 0, rateLimited: 0, latency: new Map(), throughput: new Map(), changedIn: 0 };
    slots.set(number, fresh);
    return fresh;
  };

  /** Forgets what nobody asks for any more. */
  const prune = (atMs: number): void => {
    for (const [id, { spans }] of subjects) {
      spans.forEach((slots, span) => {
        const oldest = slotAt(span, atMs) - (HEALTH_SPANS[span]?.slots ?? 0);
        for (const number of slots.keys()) if (number < oldest) slots.delete(number);
      });
      if (spans.every((slots) => slots.size === 0)) subjects.delete(id);
    }
  };

  const told = (id: string, subject: Subject, include: (slot: Slot, span: number) => boolean): HealthSubject => ({
    id,
    failedInRow: subject.failedInRow,
    lastSuccessAt: subject.lastSuccessAt,
    lastFailureAt: subject.lastFailureAt,
    restUntil: subject.restUntil,
    series: subject.spans.flatMap((slots, span) =>
      [...slots].flatMap(([slot, counted]): HealthSeries[] =>
        include(counted, span)
          ? [
              {
                ...{ span, slot, succeeded: counted.succeeded },
                ...{ failed: counted.failed, rateLimited: counted.rateLimited },
                timeToFirstTokenMs: histogramOf(counted.latency),
                tokensPerSecond: histogramOf(counted.throughput),
              },
            ]
          : [],
      ),
    ),
  });

  return {
    record(id, { verdict, restMs, timeToFirstTokenMs, tokensPerSecond }, atMs) {
      const subject = subjectOf(id);
      subject.changedIn = round;
      if (verdict === 'succeeded') {
        subject.failedInRow = 0;
        subject.lastSuccessAt = atMs;
      } else if (verdict === 'failed') {
        subject.failedInRow += 1;
        subject.lastFailureAt = atMs;
      }
      if (restMs !== undefined)
        subject.restUntil = Math.max(subject.restUntil ?? 0, atMs + Math.min(Math.ceil(restMs), REST_MS_MAX));
      HEALTH_SPANS.forEach(({ histograms }, span) => {
        const slot = slotOf(subject, span, atMs);
        if (slot === undefined) return;
        slot[verdict] += 1;
        slot.changedIn = round;
        if (!histograms) return;
        if (timeToFirstTokenMs !== undefined) bump(slot.latency, timeToFirstTokenMs);
        if (tokensPerSecond !== undefined) bump(slot.throughput, tokensPerSecond);
      });
    },
    news(atMs) {
      prune(atMs);
      const isDue = ({ changedIn }: { changedIn: number }): boolean => TOLD_AFTER_ROUNDS.has(round - changedIn);
      const due = [...subjects].flatMap(([id, subject]) => {
        const news = told(id, subject, (slot, span) => {
          const every = HEALTH_SPANS[span]?.everyRounds ?? 1;
          return every === 1 ? isDue(slot) : round % every === 0 && round - slot.changedIn <= COARSE_REPEAT_ROUNDS;
        });
        return news.series.length > 0 || isDue(subject) ? [news] : [];
      });
      round += 1;
      return due;
    },
    all(atMs) {
      prune(atMs);
      return [...subjects].map(([id, subject]) => told(id, subject, () => true));
    },
  };
};
