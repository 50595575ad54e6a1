// From lines to a commit, come what may: a line that the database refuses becomes a dead letter, and the rest of its batch is settled without it.
import type { ConsumedLine } from '@waystation/bus';
import type { Database } from '@waystation/postgres';
import type { PriceBook } from './price-book.js';
import { badLine, readLines, type BadLine, type SettleTimes } from './read-lines.js';
import { settleHeard, type SettleResult } from './settle-batch.js';

/** SQLSTATE of a failed statement. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const stateOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/**
 * Data exceptions (22…), violated checks (23…) and what our own rules cannot digest are the line's fault, and will be the next time. A key that is there already
 * (23505) means that another process settles the same right now; that, and everything else of the database, may pass.
 */
const isLineFault = (error: unknown): boolean => {
  const state = stateOf(error);
  if (state === '23505') return false;
  if (state !== undefined && /^[0-9A-Z]{5}$/.test(state)) return /^2[23]/.test(state);
  return error instanceof RangeError || error instanceof TypeError;
};

const joined = (a: SettleResult, b: SettleResult): SettleResult => ({
  settled: a.settled + b.settled,
  corrected: a.corrected + b.corrected,
  waiting: a.waiting + b.waiting,
  bad: [...a.bad, ...b.bad],
  disagreements: [...a.disagreements, ...b.disagreements],
  leftOpen: [...a.leftOpen, ...b.leftOpen],
});

/** Resolves when all of it is committed. Rejects where a later try may succeed. */
export const settleLines = async (
  database: Database,
  prices: PriceBook,
  lines: readonly ConsumedLine[],
  times: SettleTimes,
  alreadyBad: readonly BadLine[] = [],
): Promise<SettleResult> => {
  const read = await readLines(lines, prices, times);
  const input = { ...read, bad: [...alreadyBad, ...read.bad] };
  try {
    const result = await database.transaction((runner) => settleHeard(runner, prices, input));
    prices.remember([...read.newPrices].map(([version, { price }]) => [version, price] as const));
    return result;
  } catch (error) {
    const [only] = lines;
    if (!isLineFault(error) || only === undefined) throw error;
    if (lines.length === 1) {
      const reason = `cannot be settled: ${stateOf(error) ?? (error instanceof Error ? error.message : 'unknown fault')}`;
      return settleLines(database, prices, [], times, [badLine(only, reason)]);
    }
    // Halving finds the few bad lines of a batch in few transactions.
    const half = Math.ceil(lines.length / 2);
    const first = await settleLines(database, prices, lines.slice(0, half), times);
    return joined(first, await settleLines(database, prices, lines.slice(half), times));
  }
};
