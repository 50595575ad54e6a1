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

type Quantile = (share: number) => number | undefined;

const quantileFrom = (histograms: Iterable<Histogram>): Quantile => {
  const counts = sumOf(histograms);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const known = new Map<number, number>();
  return (share) => {
    if (total < FIGURES_FROM) return undefined;
    const value = known.get(share) ?? quantileOf(counts, total, share);
    known.set(share, value);
    return value;
  };
};

/** Added up once, when the first figure is asked for. */
export const figuresFrom = (
  latencyMs: () => Iterable<Histogram>,
  tokensPerSecond: () => Iterable<Histogram>,
): EndpointFigures => {
  let latency: Quantile | undefined;
  let throughput: Quantile | undefined;
  return {
    latencyMs(percentile) {
      latency ??= quantileFrom(latencyMs());
      return latency(SHARES[percentile]);
    },
    throughput(percentile) {
      throughput ??= quantileFrom(tokensPerSecond());
      return throughput(1 - SHARES[percentile]);
    },
  };
};
