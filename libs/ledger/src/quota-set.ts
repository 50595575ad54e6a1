// The quota set of a call: every quota window it meets, sorted by id, so that ingress and billing lock and name them in one order.
import type { KeyEntry, LimitSpec, QuotaRef } from '@waystation/contracts';
import { quotaOfGuardrail, type GuardrailBudget } from './guardrail-budgets.js';
import { windowStart, type QuotaWindow } from './quota-window.js';

const WINDOW_OF_RESET = { daily: 'day', weekly: 'week', monthly: 'month' } as const satisfies Record<
  string,
  QuotaWindow
>;

/** Id of the quota that is the workspace's credit balance. */
export const walletQuotaId = (workspaceId: string): string => `wallet:${workspaceId}`;

/** The order of quota ids everywhere: by code unit, which is what Postgres calls collation "C" for these ids. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

/** The window of a key's own limit: as its reset says, or for ever. */
export const keyLimitWindow = (key: Pick<KeyEntry, 'limitReset'>): QuotaWindow =>
  key.limitReset === undefined ? 'lifetime' : WINDOW_OF_RESET[key.limitReset];

/** Whom and what a call concerns, as far as limits ask. */
export interface QuotaSubjects {
  readonly key: KeyEntry;
  /** Limits of the key's workspace. */
  readonly limits: readonly LimitSpec[];
  /** Of the guardrails that the key is under. */
  readonly guardrails?: readonly GuardrailBudget[];
  readonly endUserId?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Nothing of the call's plan costs anything. */
  readonly free: boolean;
}

/** Quotas that one call may meet. */
export const QUOTAS_PER_CALL_MAX = 16;

/** Ids of those of a scope that the call concerns. */
const subjectIdsOf = (scope: LimitSpec['scope'], { key, endUserId, tags }: QuotaSubjects): readonly string[] => {
  switch (scope) {
    case 'workspace':
      return [key.workspaceId];
    case 'member':
      return key.memberId === undefined ? [] : [key.memberId];
    case 'key':
      return [key.hash];
    case 'end-user':
      return endUserId === undefined ? [] : [endUserId];
    case 'tag':
      return tags ?? [];
    default: {
      const unreachable: never = scope;
      return unreachable;
    }
  }
};

/** Whether only some calls of a key meet the limit: its quotas cannot be told from the key and the time alone. */
export const dependsOnCall = ({ scope, freeOnly }: Pick<LimitSpec, 'scope' | 'freeOnly'>): boolean =>
  scope === 'end-user' || scope === 'tag' || freeOnly === true;

/** The quota of a limit for one of whom it limits, in the window of `nowMs`. `hash`: text to a short token, as collision-free as SHA-256. */
export const quotaOfLimit = (
  limit: LimitSpec,
  workspaceId: string,
  scopeId: string,
  nowMs: number,
  hash: (text: string) => string,
): QuotaRef => {
  const { scope, metric, window, freeOnly = false, includeByok } = limit;
  const start = windowStart(window, nowMs);
  const who = hash(JSON.stringify([workspaceId, scopeId, freeOnly]));
  return {
    id: `limit:${scope}:${who}:${metric}:${window}:${start}`,
    scope,
    scopeId,
    metric,
    window,
    windowStart: start,
    limit: limit.limit,
    ...(includeByok === undefined ? {} : { includeByok }),
    ...(freeOnly ? { freeOnly } : {}),
  };
};

/** Of two limits for the same of whom, metric and window, the one that names whom stands: it is the exception to the rule. */
const withoutOverruled = (limits: readonly LimitSpec[], named: ReadonlySet<string>): LimitSpec[] =>
  limits.filter((limit) => limit.scopeId !== undefined || !named.has(keyOf(limit)));

const keyOf = ({ scope, metric, window, freeOnly = false }: LimitSpec): string =>
  `${scope} ${metric} ${window} ${freeOnly}`;

const quotasOfLimits = (subjects: QuotaSubjects, nowMs: number, hash: (text: string) => string): QuotaRef[] => {
  const { key, limits, free } = subjects;
  const meets = limits.filter(({ freeOnly }) => freeOnly !== true || free);
  return [...new Set(meets.map(({ scope }) => scope))].flatMap((scope) =>
    subjectIdsOf(scope, subjects).flatMap((scopeId) => {
      const own = meets.filter((limit) => limit.scope === scope && (limit.scopeId ?? scopeId) === scopeId);
      const named = new Set(own.filter((limit) => limit.scopeId !== undefined).map(keyOf));
      return withoutOverruled(own, named).map((limit) => quotaOfLimit(limit, key.workspaceId, scopeId, nowMs, hash));
    }),
  );
};

/** The quotas that a call meets at `nowMs`: the wallet always, the key's own limit where it has one, and whatever limits of the workspace and budgets of guardrails concern it. */
export const quotaSetOf = (subjects: QuotaSubjects, nowMs: number, hash: (text: string) => string): QuotaRef[] => {
  const { key } = subjects;
  const quotas: QuotaRef[] = [
    {
      id: walletQuotaId(key.workspaceId),
      scope: 'wallet',
      scopeId: key.workspaceId,
      metric: 'usd',
      window: 'lifetime',
      windowStart: 0,
    },
    ...quotasOfLimits(subjects, nowMs, hash),
    ...(subjects.guardrails ?? []).map((given) => quotaOfGuardrail(given, key.workspaceId, nowMs, hash)),
  ];
  if (key.limit !== undefined) {
    const window = keyLimitWindow(key);
    const start = windowStart(window, nowMs);
    quotas.push({
      id: `key:${key.hash}:usd:${window}:${start}`,
      scope: 'key',
      scopeId: key.hash,
      metric: 'usd',
      window,
      windowStart: start,
      limit: key.limit,
      includeByok: key.includeByokInLimit,
    });
  }
  return quotas.sort(byId);
};
