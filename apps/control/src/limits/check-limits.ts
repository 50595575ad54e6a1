// What limits of a workspace may say together. Pure; answers the first problem in words, or undefined.
import { LIMITS_MAX, type LimitName, type LimitSpec } from '@waystation/contracts';

/** Windows from narrow to broad, as far as budgets know them. */
const BUDGET_WINDOWS: readonly LimitSpec['window'][] = ['day', 'week', 'month', 'lifetime'];
/** A money limit above this (10¹² USD) is a mistake. */
const PICODOLLARS_MAX = 10n ** 24n;
const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export const limitKey = ({ scope, scopeId = '', metric, window, freeOnly = false }: LimitName): string =>
  JSON.stringify([scope, scopeId, metric, window, freeOnly]);

const problemOf = (spec: LimitSpec): string | undefined => {
  const { scope, scopeId, metric, includeByok, freeOnly } = spec;
  if (scope === 'workspace' && scopeId !== undefined) return 'a limit of the workspace names nobody in it';
  if (metric !== 'usd' && includeByok === true) return `a limit of ${metric} counts own keys anyway`;
  if (metric === 'usd' && freeOnly === true) return 'what costs nothing meets no limit of money';
  if (BigInt(spec.limit) > (metric === 'usd' ? PICODOLLARS_MAX : COUNT_MAX))
    return 'the limit is larger than anything that could be used';
  return undefined;
};

/** A narrower budget that is not smaller than a broader one would never be met. */
const budgetProblem = (limits: readonly LimitSpec[]): string | undefined => {
  const budgets = limits.filter(({ scope, metric }) => scope === 'workspace' && metric === 'usd');
  const byWindow = new Map(budgets.map((budget) => [budget.window, BigInt(budget.limit)]));
  let narrower: { readonly window: string; readonly limit: bigint } | undefined;
  for (const window of BUDGET_WINDOWS) {
    const limit = byWindow.get(window);
    if (limit === undefined) continue;
    if (narrower !== undefined && narrower.limit >= limit)
      return `the budget of the ${narrower.window} must be below that of the ${window}`;
    narrower = { window, limit };
  }
  return undefined;
};

/** @param after all limits of the workspace as they would be */
export const problemOfLimits = (set: readonly LimitSpec[], after: readonly LimitSpec[]): string | undefined => {
  if (new Set(set.map(limitKey)).size !== set.length) return 'one limit is set twice';
  for (const spec of set) {
    const problem = problemOf(spec);
    if (problem !== undefined) return problem;
  }
  if (after.length > LIMITS_MAX) return `a workspace has at most ${LIMITS_MAX} limits`;
  return budgetProblem(after);
};
