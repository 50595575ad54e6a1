// How quick endpoints were in the last five minutes, as planning asks for it, whoever measures it; and what that says about the order in which they are tried.
// Invariant: what is not known speaks neither for nor against an endpoint: it never misses a cut-off, and is sorted behind what is known.
import type { ProviderPreferences } from '@waystation/contracts';

export const PERCENTILES = ['p50', 'p75', 'p90', 'p99'] as const;
export type Percentile = (typeof PERCENTILES)[number];

/** Of the last five minutes. Undefined: too little was seen to say. */
export interface EndpointFigures {
  /** Milliseconds to the first token, within which this share of the answers stayed. */
  latencyMs(percentile: Percentile): number | undefined;
  /** Output tokens a second that this share of the answers reached. */
  throughput(percentile: Percentile): number | undefined;
}

/** Undefined: nothing was seen of the endpoint. */
export type FiguresOf = (endpointId: string) => EndpointFigures | undefined;

type Cutoffs = readonly (readonly [Percentile, number])[];

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
        return limit === undefined ? [] : [[percentile, limit * scale] as const];
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
export const isTooSlow = (figures: EndpointFigures | undefined, limits: SpeedLimits): boolean =>
  figures !== undefined &&
  (limits.minThroughput.some(([percentile, limit]) => (figures.throughput(percentile) ?? Infinity) < limit) ||
    limits.maxLatencyMs.some(([percentile, limit]) => (figures.latencyMs(percentile) ?? 0) > limit));

/** Fewer providers than this are no crowd that one could stand out of. */
const CROWD_MIN = 4;
/** An endpoint this many standard deviations slower than the middle is put behind the others. The reference API, section 5.2. */
const SIGMAS_BEHIND = 1.5;
/** Standard deviations in a median absolute deviation, for a normal distribution. */
const SIGMA_PER_MAD = 1.4826;

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
};

const EXACTO = { good: 0, unknown: 1, behind: 2 } as const;

/** Classes by throughput: good, not known, far behind the others. */
const exactoClasses = (throughputs: readonly (number | undefined)[]): number[] | undefined => {
  const known = throughputs.filter((each) => each !== undefined);
  if (known.length < CROWD_MIN) return undefined;
  const middle = medianOf(known);
  const sigma = SIGMA_PER_MAD * medianOf(known.map((each) => Math.abs(each - middle)));
  const threshold = middle - SIGMAS_BEHIND * sigma;
  return throughputs.map((each) =>
    each === undefined ? EXACTO.unknown : each < threshold ? EXACTO.behind : EXACTO.good,
  );
};

/**
 * A number for each endpoint, the smaller the earlier; undefined where nothing is known that could order them.
 * @param by `exacto` gives classes, whose members are alike
 */
export const rankBySpeed = (
  by: 'throughput' | 'latency' | 'exacto',
  endpointIds: readonly string[],
  figuresOf: FiguresOf,
): number[] | undefined => {
  if (by === 'latency') {
    const ranks = endpointIds.map((id) => figuresOf(id)?.latencyMs('p50') ?? Infinity);
    return ranks.some(Number.isFinite) ? ranks : undefined;
  }
  const throughputs = endpointIds.map((id) => figuresOf(id)?.throughput('p50'));
  if (by === 'exacto') return exactoClasses(throughputs);
  return throughputs.some((each) => each !== undefined) ? throughputs.map((each) => -(each ?? -Infinity)) : undefined;
};
