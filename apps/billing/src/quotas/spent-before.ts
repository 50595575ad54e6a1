// What was spent in the window of a quota before anything met it: a budget that is set at noon counts the morning. Of money and of whom charges name: what came in by
// requests and tokens before they were limited is nobody's count, and tags stand on no charge.
import type { QuotaRef } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface OpeningQuota {
  readonly ref: Pick<
    QuotaRef,
    'id' | 'scope' | 'scopeId' | 'metric' | 'window' | 'windowStart' | 'includeByok' | 'subject'
  >;
  readonly workspaceId: string;
}

const MS_PER_SECOND = 1_000;
const GENERATION_SECONDS_DIGITS = 10;

/** The columns that name whom a scope limits. A key's and a workspace's usage is kept by day, so that no window of theirs needs the charges. */
const COLUMNS: Partial<Record<QuotaRef['scope'], { readonly table: 'key_usage' | 'charge'; readonly column: string }>> =
  {
    workspace: { table: 'key_usage', column: 'workspace_id' },
    key: { table: 'key_usage', column: 'key_hash' },
    member: { table: 'charge', column: 'member_id' },
    'end-user': { table: 'charge', column: 'end_user_id' },
  };

/** Picodollars by quota id; absent where there are none. `runner` may be a reader's, bound to the workspace. */
export const spentBefore = async (
  runner: QueryRunner,
  quotas: readonly OpeningQuota[],
): Promise<ReadonlyMap<string, bigint>> => {
  const spent = new Map<string, bigint>();
  for (const { ref, workspaceId } of quotas) {
    // Of a guardrail it is what was spent by whom it is assigned to, under whatever guardrail: another one is no fresh start.
    const { scope, id: whose } = ref.subject ?? { scope: ref.scope, id: ref.scopeId };
    const source = COLUMNS[scope];
    if (source === undefined || ref.metric !== 'usd' || ref.window === 'minute') continue;
    const { table, column } = source;
    // Ids of generations begin with their time, so that those of a window are one range of the primary key.
    const since =
      table === 'key_usage'
        ? new Date(ref.windowStart).toISOString().slice(0, 10)
        : `gen-${String(Math.floor(ref.windowStart / MS_PER_SECOND)).padStart(GENERATION_SECONDS_DIGITS, '0')}`;
    const counted = ref.includeByok === true ? 'charged + byok' : 'charged';
    const [row] = await queryRows<{ spent: string }>(
      runner,
      `select coalesce(sum(${counted}), 0) as spent from ${table}
        where workspace_id = $1 and ${column} = $2 and ${table === 'key_usage' ? 'day >= $3::date' : 'generation_id >= $3'}`,
      [workspaceId, whose, since],
    );
    const amount = BigInt(row?.spent ?? 0);
    if (amount > 0n) spent.set(ref.id, amount);
  }
  return spent;
};
