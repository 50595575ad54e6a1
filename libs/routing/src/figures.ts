// How quick endpoints were in the last five minutes, as planning asks for it, whoever measures it.

export const PERCENTILES = ['p50', 'p75', 'p90', 'p99'] as const;
export type Percentile = (typeof PERCENTILES)[number];

/** Of the last five minutes. Undefined: too little was seen to say. */
export interface EndpointFigures {
  /** Milliseconds to the first token, within which this share of the answers stayed. */
  latencyMs(percentile: Percentile): number | undefined;
  /** Output tokens a second that this share of the answers reached. */
  throughput(percentile: Percentile): number | undefined;
}
