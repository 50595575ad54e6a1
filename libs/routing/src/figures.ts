// How quick endpoints were in the last five minutes, as planning asks for it, whoever measures it; and what that says about the order in which they are tried.
// Invariant: what is not known speaks neither for nor against an endpoint: it never misses a cut-off, and is sorted behind what is known.
import type { ProviderPreferences } from '@waystation/contracts';
import { medianOf } from './median-of.js';

export const PERCENTILES = ['p50', 'p75', 'p90', 'p99'] as const;
export type Percentile = (typeof PERCENTILES)[number];

/** Of the last five minutes. Undefined: too little was seen to say. */
export interface EndpointFigures {
  /** Milliseconds to the first token, within which this share of the answers stayed. */
  latencyMs(percentile: Percentile): number | undefined;
  /** Output tokens a second that this share of the answers reached. */
  throughput(percentile: Percentile): number | undefined;
}

/** Undefined: nothing was seen of the endpoint. @param place of its route in the index, where it is asked for one */
export type FiguresOf = (endpointId: string, place?: number) => EndpointFigures | undefined;

type Cutoffs = readonly { readonly percentile: Percentile; readonly limit: number }[];

/** The soft limits of a request, read once for all endpoints. Undefined: it sets none. */
export interface SpeedLimits {
  readonly minThroughput: Cutoffs;
  readonly maxLatencyMs: Cutoffs;
}

const MS_PER_SECOND = 1_000;

const cutoffsOf = (limits: Partial<Record<Percentile, number>> | undefined, scale: number): Cutoffs =>
  limits === undefined
    ? []
    : PERCENTILES.flatMap((percentile) => {
        const limit = limits[percentile];
        return limit === undefined ? [] : [{ percentile, limit: limit * scale }];
      });

export const speedLimitsOf = ({
  preferredMinThroughput,
  preferredMaxLatency,
}: ProviderPreferences): SpeedLimits | undefined =>
  preferredMinThroughput === undefined && preferredMaxLatency === undefined
    ? undefined
    : {
        minThroughput: cutoffsOf(preferredMinThroughput, 1),
        maxLatencyMs: cutoffsOf(preferredMaxLatency, MS_PER_SECOND),
      };

/** Whether the endpoint is known to miss one of the limits. */
export const isTooSlow = (figures: EndpointFigures | undefined, limits: SpeedLimits): boolean => {
  if (figures === undefined) return false;
  for (const { percentile, limit } of limits.minThroughput)
    if ((figures.throughput(percentile) ?? Infinity) < limit) return true;
  for (const { percentile, limit } of limits.maxLatencyMs)
    if ((figures.latencyMs(percentile) ?? 0) > limit) return true;
  return false;
};

/** Fewer providers than this are no crowd that one could stand out of. */
const CROWD_MIN = 4;
/** An endpoint this many standard deviations slower than the middle is put behind the others. The reference API, section 5.2. */
const SIGMAS_BEHIND = 1.5;
/** Standard deviations in a median absolute deviation, for a normal distribution. */
const SIGMA_PER_MAD = 1.4826;

const EXACTO = { good: 0, unknown: 1, behind: 2 } as const;

/** Classes by throughput: good, not known (NaN), far behind the others. Loops, because a typed array calls what `map` and `filter` are given once for each element. */
const exactoClasses = (throughputs: Float64Array): Float64Array | undefined => {
  const known = new Float64Array(throughputs.length);
  let count = 0;
  for (let place = 0; place < throughputs.length; place += 1) {
    const throughput = throughputs[place] ?? NaN;
    if (Number.isNaN(throughput)) continue;
    known[count] = throughput;
    count += 1;
  }
  if (count < CROWD_MIN) return undefined;
  const middle = medianOf(known.subarray(0, count));
  for (let place = 0; place < count; place += 1) known[place] = Math.abs((known[place] ?? middle) - middle);
  const sigma = SIGMA_PER_MAD * medianOf(known.subarray(0, count));
  const threshold = middle - SIGMAS_BEHIND * sigma;
  const classes = new Float64Array(throughputs.length);
  for (let place = 0; place < throughputs.length; place += 1) {
    const throughput = throughputs[place] ?? NaN;
    classes[place] = Number.isNaN(throughput) ? EXACTO.unknown : throughput < threshold ? EXACTO.behind : EXACTO.good;
  }
  return classes;
};

/**
 * A number for each endpoint, the smaller the earlier; undefined where nothing is known that could order them.
 * @param by `exacto` gives classes, whose members are alike
 */
export const rankBySpeed = (
  by: 'throughput' | 'latency' | 'exacto',
  figures: readonly (EndpointFigures | undefined)[],
): Float64Array | undefined => {
  const ranks = new Float64Array(figures.length);
  const unknown = by === 'exacto' ? NaN : Infinity;
  let isKnown = false;
  for (let place = 0; place < figures.length; place += 1) {
    const each = figures[place];
    const speed = by === 'latency' ? each?.latencyMs('p50') : each?.throughput('p50');
    isKnown ||= speed !== undefined;
    ranks[place] = speed === undefined ? unknown : by === 'throughput' ? -speed : speed;
  }
  if (by === 'exacto') return exactoClasses(ranks);
  return isKnown ? ranks : undefined;
};
