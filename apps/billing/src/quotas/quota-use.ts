// What is spent and held of quotas. What open leases have spent without their quotas having been told counts as spent.
import type { QuotaRef } from '@waystation/contracts';
import { countedBy, type QuotaState } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { amountsOf } from '../ledger/store.js';
import { spentBefore } from './spent-before.js';

export interface QuotaUse {
  readonly id: string;
  readonly used: bigint;
  readonly held: bigint;
}

interface Row extends Readonly<Record<string, unknown>> {
  readonly id: string;
  readonly scope: string;
  readonly metric: string;
  readonly include_byok: boolean;
  readonly posted: string;
  readonly in_leases: string;
}

/** In the order of the quotas. `runner` is a reader's, bound to the workspace. */
export const readQuotaUse = async (
  runner: QueryRunner,
  workspaceId: string,
  quotas: readonly QuotaRef[],
): Promise<QuotaUse[]> => {
  const rows = await queryRows<Row>(
    runner,
    `select quota.id, scope, metric, include_byok, posted, quota.held as in_leases,
            coalesce(sum(lease.unbooked), 0) as unbooked, coalesce(sum(lease.unbooked_byok), 0) as unbooked_byok,
            coalesce(sum(lease.unbooked_requests), 0) as unbooked_requests, coalesce(sum(lease.unbooked_tokens), 0) as unbooked_tokens
       from quota left join lease on closed_at is null and quota_ids @> array[quota.id]
      where quota.id = any($1) group by quota.id`,
    [quotas.map(({ id }) => id)],
  );
  const met = new Map(rows.map(useOf).map((use) => [use.id, use]));
  const unmet = quotas.filter(({ id }) => !met.has(id)).map((ref) => ({ ref, workspaceId }));
  const spent = await spentBefore(runner, unmet);
  return quotas.map(({ id }) => met.get(id) ?? { id, used: spent.get(id) ?? 0n, held: 0n });
};

const useOf = (row: Row): QuotaUse => {
  // Scope and metric were written from a validated contract and are never changed.
  const counting = {
    scope: row.scope as QuotaState['scope'],
    metric: row.metric as QuotaState['metric'],
    includeByok: row.include_byok,
  };
  const unbooked = countedBy(counting, amountsOf(row, 'unbooked'));
  return { id: row.id, used: BigInt(row.posted) + unbooked, held: BigInt(row.in_leases) - unbooked };
};
