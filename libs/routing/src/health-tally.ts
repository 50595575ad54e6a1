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
/** The last of them. Coarse counts are told more rarely, and until then. */
const REPEAT_ROUNDS = 16;

/** How an attempt ended, as far as it says something about who was asked. */
export interface Observation {
  readonly verdict: 'succeeded' | 'failed' | 'rateLimited';
  /** It failed when the client had output already, where no other endpoint can mend it. */
  readonly isBroken?: boolean | undefined;
  /** As the provider told, from now. */
  readonly restMs?: number | undefined;
  readonly timeToFirstTokenMs?: number | undefined;
  readonly tokensPerSecond?: number | undefined;
}

interface Slot {
  readonly number: number;
  succeeded: number;
  failed: number;
  rateLimited: number;
  /** Of those that failed. */
  broken: number;
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
  /** Of each span the slots in which something was counted, oldest first: whichever is older was last changed earlier. */
  readonly spans: readonly Slot[][];
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
      spans: HEALTH_SPANS.map(() => []),
      changedIn: round,
    };
    subjects.set(id, fresh);
    return fresh;
  };

  const slotOf = (subject: Subject, span: number, atMs: number): Slot | undefined => {
    const slots = subject.spans[span];
    if (slots === undefined) return undefined;
    const number = slotAt(span, atMs);
    const newest = slots.at(-1);
    if (newest !== undefined && newest.number >= number) return newest;
    const fresh: Slot = {
      ...{ number, succeeded: 0, failed: 0, rateLimited: 0, broken: 0 },
      ...{ latency: new Map(), throughput: new Map(), changedIn: round },
    };
    slots.push(fresh);
    return fresh;
  };

  /** Forgets what nobody asks for any more. */
  const prune = (atMs: number): void => {
    for (const [id, { spans }] of subjects) {
      spans.forEach((slots, span) => {
        const oldest = slotAt(span, atMs) - (HEALTH_SPANS[span]?.slots ?? 0);
        while ((slots[0]?.number ?? oldest) < oldest) slots.shift();
      });
      if (spans.every((slots) => slots.length === 0)) subjects.delete(id);
    }
  };

  const seriesOf = (span: number, counted: Slot): HealthSeries => ({
    ...{ span, slot: counted.number, succeeded: counted.succeeded },
    ...{ failed: counted.failed, rateLimited: counted.rateLimited, broken: counted.broken || undefined },
    timeToFirstTokenMs: histogramOf(counted.latency),
    tokensPerSecond: histogramOf(counted.throughput),
  });

  const told = (id: string, subject: Subject, series: HealthSeries[]): HealthSubject => ({
    id,
    failedInRow: subject.failedInRow,
    lastSuccessAt: subject.lastSuccessAt,
    lastFailureAt: subject.lastFailureAt,
    restUntil: subject.restUntil,
    series,
  });

  const isDue = ({ changedIn }: { readonly changedIn: number }): boolean => TOLD_AFTER_ROUNDS.has(round - changedIn);

  /** What is to be told of a subject. What is older than the last repeat is not even looked at: there are many subjects, and a round comes four times a second. */
  const newsOf = ({ spans }: Subject): HealthSeries[] => {
    const news: HealthSeries[] = [];
    spans.forEach((slots, span) => {
      const every = HEALTH_SPANS[span]?.everyRounds ?? 1;
      if (round % every !== 0) return;
      for (let at = slots.length - 1; at >= 0; at -= 1) {
        const slot = slots[at];
        if (slot === undefined || round - slot.changedIn > REPEAT_ROUNDS) return;
        if (every > 1 || isDue(slot)) news.push(seriesOf(span, slot));
      }
    });
    return news;
  };

  return {
    record(id, { verdict, isBroken, restMs, timeToFirstTokenMs, tokensPerSecond }, atMs) {
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
        if (isBroken === true) slot.broken += 1;
        slot.changedIn = round;
        if (!histograms) return;
        if (timeToFirstTokenMs !== undefined) bump(slot.latency, timeToFirstTokenMs);
        if (tokensPerSecond !== undefined) bump(slot.throughput, tokensPerSecond);
      });
    },
    news(atMs) {
      prune(atMs);
      const due: HealthSubject[] = [];
      for (const [id, subject] of subjects) {
        if (round - subject.changedIn > REPEAT_ROUNDS) continue;
        const series = newsOf(subject);
        if (series.length > 0 || isDue(subject)) due.push(told(id, subject, series));
      }
      round += 1;
      return due;
    },
    all(atMs) {
      prune(atMs);
      return [...subjects].map(([id, subject]) =>
        told(
          id,
          subject,
          subject.spans.flatMap((slots, span) => slots.map((slot) => seriesOf(span, slot))),
        ),
      );
    },
  };
};
