// Limits of a workspace, with what is spent of them: control keeps the limits, billing knows their quotas.
// Invariant: no limit is set below what its quota has spent in the current window; it would read as a limit and hold nothing back.
import type { Bus } from '@waystation/bus';
import {
  BillingQuotaUse,
  ControlLimitDelete,
  ControlLimitList,
  ControlLimitPut,
  WaystationError,
  formatUsd,
  type KeyEntry,
  type LimitName,
  type LimitSpec,
  type QuotaRef,
} from '@waystation/contracts';
import { quotaOfGuardrail, quotaOfLimit, type GuardrailBudget } from '@waystation/ledger';
import type { z } from 'zod';
import { quotaToken, type Caller } from '../auth/caller.js';
import type { LimitUse } from './limit-info.js';

export type ListedLimit = z.infer<typeof ControlLimitList.reply>['limits'][number];

/** Whether two limits have one name, so that one stands in the place of the other. */
export const isSameLimit = (a: LimitName, b: LimitName): boolean =>
  a.scope === b.scope &&
  a.scopeId === b.scopeId &&
  a.metric === b.metric &&
  a.window === b.window &&
  (a.freeOnly ?? false) === (b.freeOnly ?? false);

/** The one quota of a limit; undefined for a limit of each. */
const quotaOf = (limit: LimitSpec, workspaceId: string, nowMs: number): QuotaRef | undefined => {
  const scopeId = limit.scope === 'workspace' ? workspaceId : limit.scopeId;
  return scopeId === undefined ? undefined : quotaOfLimit(limit, workspaceId, scopeId, nowMs, quotaToken);
};

/** The limits of a workspace that may meet calls of a key, each for that key or member where it is for each. */
export const limitsOfKey = (key: KeyEntry, limits: readonly LimitSpec[]): LimitSpec[] =>
  limits.flatMap((limit) => {
    const own = limit.scope === 'key' ? key.hash : limit.scope === 'member' ? key.memberId : undefined;
    if (limit.scope !== 'key' && limit.scope !== 'member') return [limit];
    if (own === undefined || (limit.scopeId ?? own) !== own) return [];
    return [{ ...limit, scopeId: own }];
  });

export const limitDesk = (bus: Bus, { principal, workspace }: Caller, nowMs: number) => {
  const about = { v: 1 as const, principal, workspaceId: workspace.id };

  const askUses = async (asked: QuotaRef[]): Promise<ReadonlyMap<string, LimitUse>> => {
    const { quotas } =
      asked.length === 0 ? { quotas: [] } : await bus.request(BillingQuotaUse, { ...about, quotas: asked });
    return new Map(quotas.map(({ id, used, held }) => [id, { used: BigInt(used), held: BigInt(held) }]));
  };

  /** What is spent of each limit that has one quota. */
  const usesOf = async (limits: readonly LimitSpec[]): Promise<(limit: LimitSpec) => LimitUse | undefined> => {
    const uses = await askUses(limits.flatMap((limit) => quotaOf(limit, workspace.id, nowMs) ?? []));
    return (limit) => {
      const quota = quotaOf(limit, workspace.id, nowMs);
      return quota === undefined ? undefined : uses.get(quota.id);
    };
  };

  /** What is spent of budgets of guardrails, in their order. */
  const budgetUses = async (budgets: readonly GuardrailBudget[]): Promise<(LimitUse | undefined)[]> => {
    const quotas = budgets.map((budget) => quotaOfGuardrail(budget, workspace.id, nowMs, quotaToken));
    const uses = await askUses(quotas);
    return quotas.map(({ id }) => uses.get(id));
  };

  const refuseBelowUse = async (limits: readonly LimitSpec[], field: string): Promise<void> => {
    const useOf = await usesOf(limits);
    for (const limit of limits) {
      const used = useOf(limit)?.used ?? 0n;
      if (used <= BigInt(limit.limit)) continue;
      const shown = (amount: bigint): string =>
        limit.metric === 'usd' ? `$${formatUsd(amount)}` : `${amount} ${limit.metric}`;
      throw new WaystationError(
        'unprocessable',
        `${field}: ${shown(BigInt(limit.limit))} is below the ${shown(used)} that this ${limit.window} has used already; set a higher one, or wait for its end.`,
        { details: { field } },
      );
    }
  };

  return {
    usesOf,
    budgetUses,
    async list(): Promise<ListedLimit[]> {
      return (await bus.request(ControlLimitList, about)).limits;
    },
    /** @param field what the caller calls the amount */
    async put(limits: LimitSpec[], field: string): Promise<ListedLimit[]> {
      await refuseBelowUse(limits, field);
      return (await bus.request(ControlLimitPut, { ...about, limits })).limits;
    },
    async remove(limit: LimitName): Promise<void> {
      await bus.request(ControlLimitDelete, { ...about, limit });
    },
  };
};
