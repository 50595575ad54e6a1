// For tests: how the cost of a piece of work grows with its size, whatever else the machine does.

const ROUNDS = 15;

/**
 * How many times as long the work takes for a size as for an eighth of it: some 8 where it is linear, some 64 where it is quadratic. Both are done in turns, and the best of each counts,
 * so that a moment at which the machine does something else decides nothing.
 * @param prepare gets the work ready, which is not measured
 */
export const growthOf = (size: number, prepare: (size: number) => () => void): number => {
  const small = prepare(size / 8);
  const large = prepare(size);
  const timeOf = (work: () => void): number => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  };
  const rounds = Array.from({ length: ROUNDS }, () => [timeOf(small), timeOf(large)] as const);
  return Math.min(...rounds.map(([, each]) => each)) / Math.min(...rounds.map(([each]) => each));
};
