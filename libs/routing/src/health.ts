// What a router knows of endpoints and credentials: the counts of all workers, each put in the place of what was known before, so that every replica that has heard the
// same messages says the same. A worker's times are its own clock's, read against the moment at which its newest message came. Pure: time is a parameter.
import type { HealthMessage, HealthSeries, HealthSubject } from '@waystation/contracts';
import type { EndpointFigures } from './figures.js';
import { HEALTH_SPANS } from './health-tally.js';
import { findByPlace } from './found-by-place.js';
import { figuresFrom, type Histogram } from './speed-histogram.js';

const RECENT_MS = 30_000;
/** Fewer requests than this in five minutes say nothing about an endpoint's class. */
const JUDGED_FROM = 100;
const NORMAL_FROM = 0.95;
const DEGRADED_FROM = 0.8;
/** Streams broken in half an hour, in number and as a share: no fallback mends them, so that few are enough, and it takes long until they are forgotten. */
const BROKEN_FROM = 5;
const BROKEN_SHARE_FROM = 0.02;
/** So many successes of late without a failure: it is back, whatever five minutes say. */
const BACK_FROM = 5;
/** So many failures in a row, over all workers, and nobody is sent there but to try it. */
const OUT_FROM = 10;
/** A credential that was refused so often in a row is asked for last. */
const REFUSED_FROM = 3;
/** Nobody has failed for so long: it is judged by its counts again. */
const OUT_MS = 60_000;
/** Between two requests that try one that is out; doubled by each further failure, up to the most. */
const TRIAL_MS = 1_000;
const TRIAL_MS_MAX = 8_000;
/** The same for one that is down and is not out. */
const DOWN_TRIAL_MS = 4_000;
const PRUNE_MS = 10_000;
/** Fewer requests than this say nothing about the uptime that is shown. */
const UPTIME_FROM = 10;

/**
 * `recent-outage`: at least half of the last half minute's attempts failed. `degraded` and `down` by the success ratio of five minutes, `degraded` also by streams broken in half an hour. `out`: nothing but failures of late, nobody
 * is sent there. `trial`: down or out, and the next request may find out whether it is back.
 */
export type EndpointState = 'stable' | 'recent-outage' | 'degraded' | 'down' | 'resting' | 'out' | 'trial';

/** What people are shown of an endpoint. */
export interface EndpointStatistics {
  readonly state: EndpointState;
  /** Percent of the requests that succeeded; rate-limited ones do not count. Undefined where there were too few. */
  readonly uptime: { readonly fiveMinutes?: number; readonly halfHour?: number; readonly day?: number };
  /** Of half an hour. */
  readonly figures: EndpointFigures;
}

export interface HealthBoard {
  hear(message: Pick<HealthMessage, 'instance' | 'clockMs' | 'endpoints' | 'credentials'>, nowMs: number): void;
  /**
   * @param credentialId what it would be asked with: one that is refused again and again makes it `down`.
   * @param place of the route in the index that it is planned by, here and below: only so that it is found sooner
   */
  stateOf(endpointId: string, nowMs: number, credentialId?: string, place?: number): EndpointState;
  /** Whether a credential is refused again and again. */
  isRefused(credentialId: string, nowMs: number): boolean;
  /** Of five minutes. */
  figuresOf(endpointId: string, nowMs: number, place?: number): EndpointFigures;
  statisticsOf(endpointId: string, nowMs: number): EndpointStatistics;
  /** A request was sent to it. What it tries out is not tried again for a while. */
  sent(endpointId: string, nowMs: number): void;
  /** Forgets endpoints that the catalog no longer has. */
  retain(has: (endpointId: string) => boolean): void;
}

/** What a plan asks of a board. */
export type HealthView = Pick<HealthBoard, 'stateOf' | 'isRefused'>;

export interface HealthBoardOptions {
  /** Shortens slots, windows and pauses; rests are as told. */
  readonly scaleMs?: (ms: number) => number;
  /** Which of how many routers this is: they take turns at trying. */
  readonly turn?: () => { readonly place: number; readonly of: number };
}

/** One worker's newest word about a subject, and its counts by span and slot. */
interface Witness {
  told: Pick<HealthSubject, 'failedInRow' | 'lastSuccessAt' | 'lastFailureAt' | 'restUntil'> & {
    readonly atMs: number;
  };
  readonly spans: readonly Map<number, HealthSeries>[];
}

interface Verdict {
  /** Changes only with what is heard, and as time passes over slots. */
  readonly untilMs: number;
  /** Undefined: nobody was told to rest. */
  readonly restUntilMs: number | undefined;
  readonly failedInRow: number;
  readonly class: 'stable' | 'recent-outage' | 'degraded' | 'down';
  readonly figures: EndpointFigures;
  readonly lastSuccessMs: number;
  readonly lastFailureMs: number;
}

interface Subject {
  readonly witnesses: Map<string, Witness>;
  verdict: Verdict | undefined;
  nextTrialMs: number;
}

const NOTHING: EndpointFigures = { latencyMs: () => undefined, throughput: () => undefined };
const ALONE = { place: 0, of: 1 } as const;
const FINE = 0;
const COARSE = 1;
const DAY = 2;

const countOf = ({ succeeded, failed, rateLimited }: HealthSeries): number => succeeded + failed + rateLimited;

export const createHealthBoard = ({
  scaleMs = (ms) => ms,
  turn = () => ALONE,
}: HealthBoardOptions = {}): HealthBoard => {
  const endpoints = new Map<string, Subject>();
  const credentials = new Map<string, Subject>();
  const endpointAt = findByPlace(endpoints);
  const credentialAt = findByPlace(credentials);
  /** Of each worker: its clock when it was heard last, and what is to be added to it. */
  const clocks = new Map<string, { clockMs: number; offsetMs: number }>();
  const slotMs = HEALTH_SPANS.map((span) => scaleMs(span.slotMs));
  const windowMs = HEALTH_SPANS.map((span, at) => (slotMs[at] ?? 0) * span.slots);
  const recentMs = scaleMs(RECENT_MS);
  const outMs = scaleMs(OUT_MS);
  const judgedForMs = scaleMs(250);
  let prunedMs = 0;

  const offsetOf = (instance: string): number => clocks.get(instance)?.offsetMs ?? 0;

  const hearOf = (subjects: Map<string, Subject>, instance: string, clockMs: number, told: HealthSubject): void => {
    let subject = subjects.get(told.id);
    if (subject === undefined) {
      subject = { witnesses: new Map(), verdict: undefined, nextTrialMs: 0 };
      subjects.set(told.id, subject);
    }
    let witness = subject.witnesses.get(instance);
    if (witness === undefined) {
      witness = { told: { failedInRow: 0, atMs: -1 }, spans: HEALTH_SPANS.map(() => new Map()) };
      subject.witnesses.set(instance, witness);
    }
    if (clockMs > witness.told.atMs) {
      const { failedInRow, lastSuccessAt, lastFailureAt, restUntil } = told;
      witness.told = { failedInRow, lastSuccessAt, lastFailureAt, restUntil, atMs: clockMs };
    }
    for (const series of told.series) {
      const slots = witness.spans[series.span];
      const known = slots?.get(series.slot);
      // Counts only grow, so the larger one is the newer one.
      if (known === undefined || countOf(series) > countOf(known)) slots?.set(series.slot, series);
    }
    subject.verdict = undefined;
  };

  /** Slots of a span that ended within the window, or began within a shorter one. */
  const seriesWithin = (subject: Subject, span: number, nowMs: number, beganWithinMs?: number): HealthSeries[] => {
    const found: HealthSeries[] = [];
    const lengthMs = slotMs[span] ?? 1;
    for (const [instance, { spans }] of subject.witnesses) {
      const offsetMs = offsetOf(instance);
      for (const [slot, series] of spans[span] ?? []) {
        const beganMs = offsetMs + slot * lengthMs;
        if (
          beganWithinMs === undefined
            ? beganMs + lengthMs > nowMs - (windowMs[span] ?? 0)
            : beganMs > nowMs - beganWithinMs
        )
          found.push(series);
      }
    }
    return found;
  };

  const judge = (subject: Subject, nowMs: number): Verdict => {
    if (subject.verdict !== undefined && nowMs < subject.verdict.untilMs) return subject.verdict;
    let [lastSuccessMs, lastFailureMs, restUntilMs] = [-Infinity, -Infinity, -Infinity];
    for (const [instance, { told }] of subject.witnesses) {
      const offsetMs = offsetOf(instance);
      lastSuccessMs = Math.max(lastSuccessMs, offsetMs + (told.lastSuccessAt ?? -Infinity));
      lastFailureMs = Math.max(lastFailureMs, offsetMs + (told.lastFailureAt ?? -Infinity));
      restUntilMs = Math.max(restUntilMs, offsetMs + (told.restUntil ?? -Infinity));
    }
    let failedInRow = 0;
    for (const [instance, { told }] of subject.witnesses)
      if (offsetOf(instance) + (told.lastFailureAt ?? -Infinity) > lastSuccessMs) failedInRow += told.failedInRow;
    const all = seriesWithin(subject, FINE, nowMs);
    const verdict: Verdict = {
      untilMs: nowMs + judgedForMs,
      restUntilMs: restUntilMs === -Infinity ? undefined : restUntilMs,
      failedInRow,
      class: classOf(all, seriesWithin(subject, FINE, nowMs, recentMs), seriesWithin(subject, COARSE, nowMs)),
      figures: figuresOfSeries(all),
      lastSuccessMs,
      lastFailureMs,
    };
    subject.verdict = verdict;
    return verdict;
  };

  const prune = (nowMs: number): void => {
    if (nowMs < prunedMs + scaleMs(PRUNE_MS) && nowMs >= prunedMs) return;
    prunedMs = nowMs;
    for (const subjects of [endpoints, credentials]) {
      for (const [id, { witnesses }] of subjects) {
        for (const [instance, { spans }] of witnesses) {
          spans.forEach((slots, span) => {
            const oldestMs = nowMs - (windowMs[span] ?? 0) - offsetOf(instance);
            for (const slot of slots.keys()) if ((slot + 1) * (slotMs[span] ?? 1) <= oldestMs) slots.delete(slot);
          });
          if (spans.every((slots) => slots.size === 0)) witnesses.delete(instance);
        }
        if (witnesses.size === 0) subjects.delete(id);
      }
    }
    endpointAt.forget();
    credentialAt.forget();
    const heard = new Set(
      [endpoints, credentials].flatMap((each) => [...each.values()].flatMap(({ witnesses }) => [...witnesses.keys()])),
    );
    for (const instance of clocks.keys()) if (!heard.has(instance)) clocks.delete(instance);
  };

  const isOut = ({ failedInRow, lastFailureMs }: Verdict, from: number, nowMs: number): boolean =>
    failedInRow >= from && lastFailureMs > nowMs - outMs;

  const stateOfSubject = (subject: Subject, nowMs: number): EndpointState => {
    const verdict = judge(subject, nowMs);
    if (verdict.restUntilMs !== undefined && verdict.restUntilMs > nowMs) return 'resting';
    const out = isOut(verdict, OUT_FROM, nowMs);
    if (!out && verdict.class !== 'down') return verdict.class;
    const pauseMs = scaleMs(
      out ? Math.min(TRIAL_MS * 2 ** Math.min(verdict.failedInRow - OUT_FROM, 8), TRIAL_MS_MAX) : DOWN_TRIAL_MS,
    );
    // A failure that another router's trial met puts off all; then they come one after the other.
    const dueMs = Math.max(subject.nextTrialMs, verdict.lastFailureMs + pauseMs * (1 + turn().place));
    return nowMs >= dueMs ? 'trial' : out ? 'out' : 'down';
  };

  const isRefused = (credentialId: string, nowMs: number, place?: number): boolean => {
    const subject = credentialAt.find(credentialId, place);
    return subject !== undefined && isOut(judge(subject, nowMs), REFUSED_FROM, nowMs);
  };

  const stateOf = (endpointId: string, nowMs: number, credentialId?: string, place?: number): EndpointState => {
    const subject = endpointAt.find(endpointId, place);
    const state = subject === undefined ? 'stable' : stateOfSubject(subject, nowMs);
    if (credentialId === undefined || credentials.size === 0) return state;
    return stateWith(state, isRefused(credentialId, nowMs, place));
  };

  return {
    hear({ instance, clockMs, endpoints: ofEndpoints, credentials: ofCredentials }, nowMs) {
      prune(nowMs);
      const clock = clocks.get(instance);
      if (clock === undefined || clockMs > clock.clockMs) clocks.set(instance, { clockMs, offsetMs: nowMs - clockMs });
      for (const told of ofEndpoints) hearOf(endpoints, instance, clockMs, told);
      for (const told of ofCredentials) hearOf(credentials, instance, clockMs, told);
    },
    stateOf,
    isRefused: (credentialId, nowMs) => isRefused(credentialId, nowMs),
    figuresOf(endpointId, nowMs, place) {
      const subject = endpointAt.find(endpointId, place);
      return subject === undefined ? NOTHING : judge(subject, nowMs).figures;
    },
    statisticsOf(endpointId, nowMs) {
      const subject = endpoints.get(endpointId);
      if (subject === undefined) return { state: 'stable', uptime: {}, figures: NOTHING };
      const [fiveMinutes, halfHour, day] = [FINE, COARSE, DAY].map((span) =>
        uptimeOf(seriesWithin(subject, span, nowMs)),
      );
      return {
        state: stateOf(endpointId, nowMs),
        uptime: {
          ...(fiveMinutes === undefined ? {} : { fiveMinutes }),
          ...(halfHour === undefined ? {} : { halfHour }),
          ...(day === undefined ? {} : { day }),
        },
        figures: figuresOfSeries(seriesWithin(subject, COARSE, nowMs)),
      };
    },
    sent(endpointId, nowMs) {
      const subject = endpoints.get(endpointId);
      if (subject === undefined || stateOf(endpointId, nowMs) !== 'trial') return;
      subject.nextTrialMs =
        nowMs + scaleMs(isOut(judge(subject, nowMs), OUT_FROM, nowMs) ? TRIAL_MS : DOWN_TRIAL_MS) * turn().of;
    },
    retain(has) {
      for (const endpointId of endpoints.keys()) if (!has(endpointId)) endpoints.delete(endpointId);
      endpointAt.forget();
    },
  };
};

/** The state of an endpoint that would be asked with a credential. */
export const stateWith = (state: EndpointState, isRefused: boolean): EndpointState =>
  isRefused && state !== 'resting' && state !== 'out' ? 'down' : state;

const figuresOfSeries = (series: readonly HealthSeries[]): EndpointFigures => {
  const given = (histogram: Histogram | undefined): Histogram[] => (histogram === undefined ? [] : [histogram]);
  return figuresFrom(
    () => series.flatMap((each) => given(each.timeToFirstTokenMs)),
    () => series.flatMap((each) => given(each.tokensPerSecond)),
  );
};

const sum = (series: readonly HealthSeries[], of: 'succeeded' | 'failed' | 'broken'): number =>
  series.reduce((total, each) => total + (each[of] ?? 0), 0);

const breaksStreams = (ofHalfHour: readonly HealthSeries[]): boolean => {
  const broken = sum(ofHalfHour, 'broken');
  return (
    broken >= BROKEN_FROM && broken >= BROKEN_SHARE_FROM * (sum(ofHalfHour, 'succeeded') + sum(ofHalfHour, 'failed'))
  );
};

const classOf = (
  all: readonly HealthSeries[],
  recent: readonly HealthSeries[],
  ofHalfHour: readonly HealthSeries[],
): Verdict['class'] => {
  const failures = sum(all, 'failed');
  const [recentlyFailed, recentlySucceeded] = [sum(recent, 'failed'), sum(recent, 'succeeded')];
  const total = failures + sum(all, 'succeeded');
  if (total >= JUDGED_FROM) {
    const ratio = 1 - failures / total;
    if (ratio < DEGRADED_FROM && (recentlyFailed > 0 || recentlySucceeded < BACK_FROM)) return 'down';
    if (ratio < NORMAL_FROM) return 'degraded';
  }
  if (breaksStreams(ofHalfHour)) return 'degraded';
  return recentlyFailed > 0 && recentlyFailed >= recentlySucceeded ? 'recent-outage' : 'stable';
};

const uptimeOf = (series: readonly HealthSeries[]): number | undefined => {
  const succeeded = sum(series, 'succeeded');
  const total = succeeded + sum(series, 'failed');
  return total < UPTIME_FROM ? undefined : Math.round((succeeded / total) * 10_000) / 100;
};
