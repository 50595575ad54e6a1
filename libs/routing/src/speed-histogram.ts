// How fast an endpoint was of late, as histograms that can be added up: bounded in size, and right to a few percent whatever was counted.
import type { EndpointFigures, Percentile } from './figures.js';

/** Each bucket ends this factor above the one before it, so that a percentile is at most 6 % from the true one. */
const GROWTH = 1.125;
const LOWEST = 0.1;
/** From 0.1 to 900,000: a quarter of an hour in milliseconds. */
export const FIGURE_BUCKETS = 136;

/** Bucket and count by turns, as they cross the bus: `[12, 3, 15, 1]`. Most endpoints need a handful of buckets. */
export type Histogram = readonly number[];

const SHARES: Readonly<Record<Percentile, number>> = { p50: 0.5, p75: 0.75, p90: 0.9, p99: 0.99 };

/** Fewer answers than this say nothing. */
const FIGURES_FROM = 5;

export const bucketOf = (value: number): number => {
  const bucket = Math.ceil(Math.log(value / LOWEST) / Math.log(GROWTH));
  return bucket > 0 ? Math.min(FIGURE_BUCKETS - 1, bucket) : 0;
};

/** The value with the least relative error for all that fall into a bucket. */
export const valueOf = (bucket: number): number => (2 * LOWEST * GROWTH ** bucket) / (1 + GROWTH);

/** Counts of all buckets. */
const sumOf = (histograms: Iterable<Histogram>): Uint32Array => {
  const counts = new Uint32Array(FIGURE_BUCKETS);
  for (const histogram of histograms) {
    for (let at = 0; at + 1 < histogram.length; at += 2) {
      const bucket = Math.min(histogram[at] ?? 0, FIGURE_BUCKETS - 1);
      counts[bucket] = (counts[bucket] ?? 0) + (histogram[at + 1] ?? 0);
    }
  }
  return counts;
};

/** The value that a share of what was counted does not exceed. */
const quantileOf = (counts: Uint32Array, total: number, share: number): number => {
  const rank = Math.max(1, Math.ceil(total * share - 1e-9));
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket += 1) {
    seen += counts[bucket] ?? 0;
    if (seen >= rank) return valueOf(bucket);
  }
  return valueOf(FIGURE_BUCKETS - 1);
};

type Quantiles = Readonly<Record<Percentile, number | undefined>>;

const NO_QUANTILES: Quantiles = { p50: undefined, p75: undefined, p90: undefined, p99: undefined };

const quantilesFrom = (histograms: Iterable<Histogram>, shareOf: (percentile: Percentile) => number): Quantiles => {
  const counts = sumOf(histograms);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total < FIGURES_FROM) return NO_QUANTILES;
  const at = (percentile: Percentile): number => quantileOf(counts, total, shareOf(percentile));
  return { p50: at('p50'), p75: at('p75'), p90: at('p90'), p99: at('p99') };
};

/** By name and not by key, which would be looked up for every endpoint of a plan. */
const quantileAt = ({ p50, p75, p90, p99 }: Quantiles, percentile: Percentile): number | undefined => {
  switch (percentile) {
    case 'p50':
      return p50;
    case 'p75':
      return p75;
    case 'p90':
      return p90;
    case 'p99':
      return p99;
    default: {
      const unreachable: never = percentile;
      return unreachable;
    }
  }
};

/** Added up once, when the first figure is asked for. A class, because plans ask for thousands: their methods are the same ones. */
class SpeedFigures implements EndpointFigures {
  readonly #latencyMs: () => Iterable<Histogram>;
  readonly #tokensPerSecond: () => Iterable<Histogram>;
  #latency: Quantiles | undefined;
  #throughput: Quantiles | undefined;

  constructor(latencyMs: () => Iterable<Histogram>, tokensPerSecond: () => Iterable<Histogram>) {
    this.#latencyMs = latencyMs;
    this.#tokensPerSecond = tokensPerSecond;
  }

  latencyMs(percentile: Percentile): number | undefined {
    this.#latency ??= quantilesFrom(this.#latencyMs(), (each) => SHARES[each]);
    return quantileAt(this.#latency, percentile);
  }

  throughput(percentile: Percentile): number | undefined {
    this.#throughput ??= quantilesFrom(this.#tokensPerSecond(), (each) => 1 - SHARES[each]);
    return quantileAt(this.#throughput, percentile);
  }
}

export const figuresFrom = (
  latencyMs: () => Iterable<Histogram>,
  tokensPerSecond: () => Iterable<Histogram>,
): EndpointFigures => new SpeedFigures(latencyMs, tokensPerSecond);
