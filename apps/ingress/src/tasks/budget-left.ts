// How much is left of the tightest budget in money that a call meets, from 0 to 1. Asked of billing only where a rule speaks of it.
import type { Bus } from '@waystation/bus';
import { BillingQuotaUse } from '@waystation/contracts';
import type { Generation } from '../generate/generation.js';

/** A rule is no reason to keep a client waiting; what billing does not say in time counts as all. */
const TIMEOUT_MS = 250;
const PARTS = 10_000n;

export const budgetLeft = async (bus: Bus, { caller, request, identity, createdAt }: Generation): Promise<number> => {
  const set = caller.quotaSetFor(() => ({ endUserId: request.endUserId, tags: identity.tags, free: false }), createdAt);
  const budgets = set.quotas.filter(({ metric, limit }) => metric === 'usd' && limit !== undefined);
  if (budgets.length === 0) return 1;
  const about = { v: 1 as const, principal: caller.principal, workspaceId: caller.workspace.id };
  const { quotas } = await bus
    .request(BillingQuotaUse, { ...about, quotas: budgets }, { timeoutMs: TIMEOUT_MS })
    .catch(() => ({ quotas: [] }));
  const shares = quotas.map(({ id, used, held }) => {
    const limit = BigInt(budgets.find((each) => each.id === id)?.limit ?? 0);
    const left = limit - BigInt(used) - BigInt(held);
    return limit <= 0n || left <= 0n ? 0 : Number((left * PARTS) / limit) / Number(PARTS);
  });
  return Math.min(1, ...shares);
};
