// A workspace's month, from entries alone: opening + movements = closing to the picodollar, by construction. What usage consists of is told by the charges of the
// same postings, and must come to the same. An entry belongs to the month in which it was booked, so that what is corrected later never changes a closed month.
import { WaystationError } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { SUMS, usageByTag, usageOfCharges } from '../activity/usage-sql.js';

/** Signed as the customer sees it: what comes in is positive, what goes out negative. */
export interface Movement {
  readonly kind: MovementKind;
  readonly amount: bigint;
}

export const MOVEMENT_KINDS = [
  'top-ups',
  'grants',
  'promotions',
  'refunds',
  'fees',
  'usage',
  'markup',
  'adjustments',
  'other',
] as const;
export type MovementKind = (typeof MOVEMENT_KINDS)[number];

/** Usage of one model, key or tag, first bookings only; corrections stand apart. */
export interface UsageLine {
  /** Model id, key hash or tag; undefined for all that are too many to list. */
  readonly name: string | undefined;
  readonly amount: bigint;
  /** What the customer's own provider keys would have cost. */
  readonly byok: bigint;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Corrections that were booked this month, by the month of the generations that they correct. */
export interface CorrectionLine {
  readonly month: string;
  readonly amount: bigint;
  readonly count: number;
}

export interface Statement {
  readonly workspaceId: string;
  readonly month: string;
  readonly opening: bigint;
  readonly movements: readonly Movement[];
  readonly closing: bigint;
  readonly usageByModel: readonly UsageLine[];
  readonly usageByKey: readonly UsageLine[];
  /** Calls with several tags are in the lines of each, those without in none: lines do not add up to the usage. */
  readonly usageByTag: readonly UsageLine[];
  readonly corrections: readonly CorrectionLine[];
  /** Paid on top of credits in this month, less what came back: never part of the balance. */
  readonly feesPaid: bigint;
  /** Entries up to the end of the month, of this workspace. */
  readonly entries: number;
}

/** Lines of a table; the rest is one line. */
const LINES_MAX = 400;
const STATEMENT_TIMEOUT_MS = 60_000;

/** First instants of a UTC month and of the next, as ISO text. */
export const boundsOfMonth = (month: string): { readonly from: string; readonly to: string; readonly toMs: number } => {
  const from = new Date(`${month}-01T00:00:00Z`);
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
  return { from: from.toISOString(), to: to.toISOString(), toMs: to.getTime() };
};

const OWN = (column: string): string =>
  `(${column} in ('credits:' || $1, 'held:' || $1) or starts_with(${column}, 'promo:' || $1 || ':'))`;

// Between two accounts of the workspace nothing moves for it: a lease that is granted or given back is no movement.
const MOVEMENTS = `
  select case when counter like 'payable:%' and kind = 'settle' then 'usage' when counter like 'payable:%' then 'adjustments'
              when counter = 'markup' then 'markup' when counter = 'fees' then 'fees'
              when counter = 'cash' then case when signed > 0 then 'top-ups' else 'refunds' end
              when counter = 'granted' then case when to_promo then 'promotions' else 'grants' end else 'other' end as kind,
         coalesce(sum(signed) filter (where at < $2::timestamptz), 0) as before, coalesce(sum(signed) filter (where at >= $2::timestamptz), 0) as amount,
         coalesce(sum(signed) filter (where at >= $2::timestamptz and (counter like 'payable:%' or counter in ('markup', 'fees'))), 0) as charged
    from (select kind, at, case when ${OWN('credit')} then debit else credit end as counter, starts_with(credit, 'promo:') as to_promo,
                 case when ${OWN('credit')} then amount else -amount end as signed
            from entry
           where workspace_id = $1 and at < $3::timestamptz and ${OWN('credit')} <> ${OWN('debit')}) e
   group by 1`;

interface MovementRow {
  readonly kind: MovementKind;
  readonly before: string;
  readonly amount: string;
  readonly charged: string;
}

/** `runner` is a reader's, at the beginning of a transaction: entries and charges are read from one snapshot. */
export const computeStatement = async (runner: QueryRunner, workspaceId: string, month: string): Promise<Statement> => {
  const { from, to } = boundsOfMonth(month);
  await runner.query(`set transaction isolation level repeatable read, read only`);
  await runner.query(`select set_config('way.workspace', $1, true)`, [workspaceId]);
  await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
  const values = [workspaceId, from, to];
  const rows = await queryRows<MovementRow>(runner, MOVEMENTS, values);
  const [all] = await queryRows<{ count: string; fees: string }>(
    runner,
    `select count(*) as count,
            coalesce(sum(case when credit = 'fees' then amount else -amount end) filter (where 'cash' in (credit, debit) and 'fees' in (credit, debit) and at >= $2::timestamptz), 0) as fees
       from entry where workspace_id = $1 and at < $3::timestamptz`,
    values,
  );
  const movements = MOVEMENT_KINDS.map((kind) => ({
    kind,
    amount: sumOf(rows.filter((row) => row.kind === kind).map(({ amount }) => amount)),
  })).filter(({ amount }) => amount !== 0n);
  const opening = sumOf(rows.map(({ before }) => before));
  const usageByModel = await usageBy(runner, 'model', values);
  const corrections = await correctionsOf(runner, values);
  const charged = [...usageByModel, ...corrections].reduce((sum, { amount }) => sum + amount, 0n);
  const booked = sumOf(rows.map((row) => row.charged));
  if (booked !== -charged)
    throw new WaystationError(
      'internal',
      `The entries of ${month} book ${-booked} picodollars of usage and its charges ${charged}: run the ledger's verify.`,
    );
  return {
    workspaceId,
    month,
    opening,
    movements,
    closing: movements.reduce((sum, { amount }) => sum + amount, opening),
    usageByModel,
    usageByKey: await usageBy(runner, 'key_hash', values),
    usageByTag: await usageBy(runner, 'tag', values),
    corrections,
    feesPaid: BigInt(all?.fees ?? 0),
    entries: Number(all?.count ?? 0),
  };
};

const sumOf = (amounts: readonly string[]): bigint => amounts.reduce((sum, amount) => sum + BigInt(amount), 0n);

interface UsageLineRow {
  readonly name: string | null;
  readonly charged: string;
  readonly byok: string;
  readonly requests: string;
  readonly prompt_tokens: string;
  readonly completion_tokens: string;
}

const OF_MONTH = `workspace_id = $1 and settled_at >= $2::timestamptz and settled_at < $3::timestamptz`;

const usageBy = async (
  runner: QueryRunner,
  column: 'model' | 'key_hash' | 'tag',
  values: readonly unknown[],
): Promise<UsageLine[]> => {
  const usage = usageOfCharges(`${OF_MONTH} and revision = 0`);
  const rows = await queryRows<UsageLineRow>(
    runner,
    `select listed as name, ${SUMS}
       from (select *, case when row_number() over (order by charged desc, name) <= ${LINES_MAX} then name end as listed
               from (select ${column} as name, ${SUMS} from (${column === 'tag' ? usageByTag(usage, 'left out') : usage}) u group by ${column}
                     having sum(requests) > 0 or bool_or(charged <> 0) or bool_or(byok <> 0)) all_lines) lines
      group by listed order by listed is null, sum(charged) desc, listed`,
    values,
  );
  return rows.map((row) => ({
    name: row.name ?? undefined,
    amount: BigInt(row.charged),
    byok: BigInt(row.byok),
    requests: Number(row.requests),
    promptTokens: Number(row.prompt_tokens),
    completionTokens: Number(row.completion_tokens),
  }));
};

const correctionsOf = async (runner: QueryRunner, values: readonly unknown[]): Promise<CorrectionLine[]> => {
  const rows = await queryRows<{ month: string; amount: string; count: string }>(
    runner,
    `select to_char(to_timestamp(substr(generation_id, 5, 10)::bigint) at time zone 'UTC', 'YYYY-MM') as month, sum(charged) as amount, count(*) as count
       from charge where ${OF_MONTH} and revision > 0 group by 1 having bool_or(charged <> 0) order by 1`,
    values,
  );
  return rows.map(({ month, amount, count }) => ({ month, amount: BigInt(amount), count: Number(count) }));
};
