// What was used in the window of a quota before anything met it: a budget that is set at noon counts the morning. By the rules by which quotas are told of charges:
// a request counts once, unless all its attempts were passed over, and tokens that nobody is charged for are nobody's.
import type { QuotaRef } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { ALL_TOKENS, idFrom } from '../activity/usage-sql.js';

export interface OpeningQuota {
  readonly ref: Pick<
    QuotaRef,
    'id' | 'scope' | 'scopeId' | 'metric' | 'window' | 'windowStart' | 'includeByok' | 'freeOnly' | 'subject'
  >;
  readonly workspaceId: string;
}

/** Rows of whom a scope limits. $1 is the workspace, $2 whom. */
const OF_SCOPE: Partial<Record<QuotaRef['scope'], string>> = {
  workspace: 'workspace_id = $2',
  key: 'key_hash = $2',
  member: 'member_id = $2',
  'end-user': 'end_user_id = $2',
  tag: 'tags @> array[$2]',
};

/** A key's and a workspace's money is kept by day, so that no window of theirs needs the charges. */
const KEPT_BY_DAY: ReadonlySet<QuotaRef['scope']> = new Set(['workspace', 'key']);

const OF_WINDOW = `workspace_id = $1 and generation_id >= $3`;

/** Attempts of the window as their last revision left them. */
const attempts = (whose: string): string => `
  select distinct on (generation_id, attempt_id) generation_id, outcome, payer, usage from charge
   where ${OF_WINDOW} and ${whose} order by generation_id, attempt_id, revision desc`;

/** How much was used, and from when on $3 counts; undefined where nothing that is kept tells it. */
const countOf = (ref: OpeningQuota['ref']): { readonly sql: string; readonly since: string } | undefined => {
  const whose = OF_SCOPE[ref.scope];
  // The windows of a minute begin too often to ask, and no charge says which calls cost nothing.
  if (whose === undefined || ref.window === 'minute' || ref.freeOnly === true) return undefined;
  // Ids of generations begin with their time, so that those of a window are one range of the primary key.
  const since = idFrom(ref.windowStart);
  switch (ref.metric) {
    case 'usd': {
      const counted = `select coalesce(sum(${ref.includeByok === true ? 'charged + byok' : 'charged'}), 0) as used`;
      if (!KEPT_BY_DAY.has(ref.scope)) return { sql: `${counted} from charge where ${OF_WINDOW} and ${whose}`, since };
      const day = new Date(ref.windowStart).toISOString().slice(0, 10);
      return { sql: `${counted} from key_usage where workspace_id = $1 and ${whose} and day >= $3::date`, since: day };
    }
    case 'requests':
      return {
        sql: `select count(distinct generation_id) as used from (${attempts(whose)}) c where outcome <> 'passed-over'`,
        since,
      };
    case 'tokens':
      return {
        sql: `select coalesce(sum(${ALL_TOKENS}), 0) as used from (${attempts(whose)}) c where payer <> 'waste'`,
        since,
      };
    case 'in-flight':
      return undefined;
    default: {
      const unreachable: never = ref.metric;
      return unreachable;
    }
  }
};

/** Of a guardrail it is what was spent by whom it is assigned to, under whatever guardrail: another one is no fresh start. */
const subjectOf = (ref: OpeningQuota['ref']): Pick<QuotaRef, 'scope'> & { readonly id: string } =>
  ref.subject ?? { scope: ref.scope, id: ref.scopeId };

/** In the unit of each quota's metric, by quota id; absent where there is none. `runner` may be a reader's, bound to the workspace. */
export const spentBefore = async (
  runner: QueryRunner,
  quotas: readonly OpeningQuota[],
): Promise<ReadonlyMap<string, bigint>> => {
  const spent = new Map<string, bigint>();
  for (const { ref, workspaceId } of quotas) {
    const subject = subjectOf(ref);
    const count = countOf({ ...ref, scope: subject.scope });
    if (count === undefined) continue;
    const [row] = await queryRows<{ used: string }>(runner, count.sql, [workspaceId, subject.id, count.since]);
    const amount = BigInt(row?.used ?? 0);
    if (amount > 0n) spent.set(ref.id, amount);
  }
  return spent;
};
