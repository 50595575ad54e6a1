// What keys have used, by UTC window of the generation; weeks start on Monday.
import { windowEnd, windowStart, type QuotaWindow } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface UsageByWindow {
  readonly total: bigint;
  readonly daily: bigint;
  readonly weekly: bigint;
  readonly monthly: bigint;
}

export interface KeyUsage {
  readonly hash: string;
  readonly usage: UsageByWindow;
  readonly byokUsage: UsageByWindow;
  /** Of the key's own limit in its current window; absent where nothing met that limit yet. */
  readonly limitRemaining?: bigint;
}

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

const SUMS = (['charged', 'byok'] as const)
  .flatMap((column) => [
    `sum(${column}) as ${column}_total`,
    `sum(${column}) filter (where day >= $3) as ${column}_daily`,
    `sum(${column}) filter (where day >= $4) as ${column}_weekly`,
    `sum(${column}) filter (where day >= $5) as ${column}_monthly`,
  ])
  .join(', ');

type SumColumn = `${'charged' | 'byok'}_${keyof UsageByWindow}`;
type SumRow = Readonly<Record<SumColumn, string | null>> & { readonly key_hash: string };

const usageOf = (row: SumRow | undefined, column: 'charged' | 'byok'): UsageByWindow => {
  const sum = (window: keyof UsageByWindow): bigint => BigInt(row?.[`${column}_${window}`] ?? 0);
  return { total: sum('total'), daily: sum('daily'), weekly: sum('weekly'), monthly: sum('monthly') };
};

interface LimitRow {
  readonly scope_id: string;
  readonly quota_window: QuotaWindow;
  readonly window_start: string;
  readonly quota_limit: string;
  readonly posted: string;
  readonly unbooked: string;
}

/** In the order of `hashes`. `runner` is a reader's, bound to the workspace. */
export const readKeyUsage = async (
  runner: QueryRunner,
  workspaceId: string,
  hashes: readonly string[],
  nowMs: number,
): Promise<KeyUsage[]> => {
  const sums = await queryRows<SumRow>(
    runner,
    `select key_hash, ${SUMS} from key_usage where workspace_id = $1 and key_hash = any($2) group by key_hash`,
    [workspaceId, hashes, ...(['day', 'week', 'month'] as const).map((window) => dayOf(windowStart(window, nowMs)))],
  );
  const limits = await queryRows<LimitRow>(
    runner,
    `select scope_id, quota_window, window_start, quota_limit, posted,
            coalesce((select sum(unbooked + case when include_byok then unbooked_byok else 0 end)
                        from lease where closed_at is null and workspace_id = $1 and quota_ids @> array[quota.id]), 0) as unbooked
       from quota where scope = 'key' and metric = 'usd' and id not like 'limit:%' and workspace_id = $1 and scope_id = any($2)
      order by window_start`,
    [workspaceId, hashes],
  );
  const isCurrent = ({ quota_window, window_start }: LimitRow): boolean =>
    (windowEnd(quota_window, Number(window_start)) ?? Infinity) > nowMs;
  const remaining = new Map(
    limits
      .filter(isCurrent)
      .map((row) => [row.scope_id, BigInt(row.quota_limit) - BigInt(row.posted) - BigInt(row.unbooked)]),
  );
  const byHash = new Map(sums.map((row) => [row.key_hash, row]));
  return hashes.map((hash) => {
    const row = byHash.get(hash);
    const limitRemaining = remaining.get(hash);
    return {
      hash,
      usage: usageOf(row, 'charged'),
      byokUsage: usageOf(row, 'byok'),
      ...(limitRemaining === undefined ? {} : { limitRemaining }),
    };
  });
};
