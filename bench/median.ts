// The middle of what several rounds measured: no single round decides.

/** NaN where nothing was measured. */
export const median = (values: readonly number[]): number => {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
};

/** How many times `base` each round's `values` are, in the middle: what drifts from round to round is not in it. */
export const medianRatio = (values: readonly number[], base: readonly number[]): number =>
  median(values.map((value, round) => value / (base[round] ?? Number.NaN)));

/** The middle so much of all ratios counts: what is slow for a moment is not in it. */
const MIDDLE = 0.8;

/** How many times `base` each round's `values` are: the geometric mean of the middle of them, and its standard error, that of all. For differences smaller than what one round is off by. */
export const meanRatio = (values: readonly number[], base: readonly number[]): { ratio: number; error: number } => {
  const logs = values
    .map((value, round) => Math.log(value / (base[round] ?? Number.NaN)))
    .filter(Number.isFinite) // of processes that ended meanwhile less is known than before
    .sort((a, b) => a - b);
  const cut = Math.floor((logs.length * (1 - MIDDLE)) / 2);
  const middle = logs.slice(cut, logs.length - cut);
  const mean = middle.reduce((sum, log) => sum + log, 0) / middle.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / Math.max(1, logs.length - 1);
  const ratio = Math.exp(mean);
  return { ratio, error: ratio * Math.sqrt(variance / logs.length) };
};
