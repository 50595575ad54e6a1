// Settings of automatic top-ups in Postgres, and what became of the last tries.
import type { QueryRunner } from 'typeorm';
import { PICODOLLARS_PER_CENT, toCents, waitAfterFailures, type AutoTopUpState } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { SavedMethod } from './stripe-gateway.js';

export interface AutoTopUpRow {
  readonly workspaceId: string;
  readonly enabled: boolean;
  /** Picodollars. */
  readonly threshold: bigint;
  readonly creditsCents: bigint;
  readonly dailyMaxCents: bigint;
  readonly method: SavedMethod;
  readonly failures: number;
  readonly lastFailure: string | undefined;
  readonly nextTryAtMs: number;
}

interface Stored {
  readonly workspace_id: string;
  readonly enabled: boolean;
  readonly threshold: string;
  readonly credits_cents: string;
  readonly daily_max_cents: string;
  readonly customer_id: string;
  readonly payment_method: string;
  readonly failures: number;
  readonly last_failure: string | null;
  readonly next_try_at_ms: string;
}

const COLUMNS = `workspace_id, enabled, threshold, credits_cents, daily_max_cents, customer_id, payment_method, failures, last_failure, next_try_at_ms`;

const rowOf = (row: Stored): AutoTopUpRow => ({
  workspaceId: row.workspace_id,
  enabled: row.enabled,
  threshold: BigInt(row.threshold),
  creditsCents: BigInt(row.credits_cents),
  dailyMaxCents: BigInt(row.daily_max_cents),
  method: { customerId: row.customer_id, paymentMethod: row.payment_method },
  failures: row.failures,
  lastFailure: row.last_failure ?? undefined,
  nextTryAtMs: Number(row.next_try_at_ms),
});

export const readAutoTopUp = async (runner: QueryRunner, workspaceId: string): Promise<AutoTopUpRow | undefined> => {
  const [row] = await queryRows<Stored>(runner, `select ${COLUMNS} from auto_topup where workspace_id = $1`, [
    workspaceId,
  ]);
  return row === undefined ? undefined : rowOf(row);
};

/** Undefined where another process is at it, or there is none. */
export const claimAutoTopUp = async (runner: QueryRunner, workspaceId: string): Promise<AutoTopUpRow | undefined> => {
  const [row] = await queryRows<Stored>(
    runner,
    `select ${COLUMNS} from auto_topup where workspace_id = $1 for update skip locked`,
    [workspaceId],
  );
  return row === undefined ? undefined : rowOf(row);
};

export type AutoTopUpSettings = Pick<AutoTopUpRow, 'enabled' | 'threshold' | 'creditsCents' | 'dailyMaxCents'>;

/** A change of settings forgets failures: somebody has looked. */
export const putAutoTopUp = async (
  runner: QueryRunner,
  workspaceId: string,
  settings: AutoTopUpSettings,
  method: SavedMethod,
): Promise<void> => {
  await queryRows(
    runner,
    `insert into auto_topup (workspace_id, enabled, threshold, credits_cents, daily_max_cents, customer_id, payment_method)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (workspace_id) do update set enabled = excluded.enabled, threshold = excluded.threshold, credits_cents = excluded.credits_cents,
       daily_max_cents = excluded.daily_max_cents, customer_id = excluded.customer_id, payment_method = excluded.payment_method,
       failures = 0, last_failure = null, next_try_at_ms = 0, updated_at = now()`,
    [
      workspaceId,
      settings.enabled,
      settings.threshold.toString(),
      settings.creditsCents.toString(),
      settings.dailyMaxCents.toString(),
      method.customerId,
      method.paymentMethod,
    ],
  );
};

/** Doubles the wait before the next try. */
export const noteFailure = async (
  runner: QueryRunner,
  workspaceId: string,
  reason: string,
  nowMs: number,
): Promise<void> => {
  const [row] = await queryRows<{ failures: number }>(
    runner,
    `update auto_topup set failures = failures + 1, last_failure = $2 where workspace_id = $1 returning failures`,
    [workspaceId, reason.slice(0, 512)],
  );
  if (row === undefined) return;
  await queryRows(runner, `update auto_topup set next_try_at_ms = $2 where workspace_id = $1`, [
    workspaceId,
    nowMs + waitAfterFailures(row.failures),
  ]);
};

export const forgiveFailures = async (runner: QueryRunner, workspaceId: string): Promise<void> => {
  await queryRows(
    runner,
    `update auto_topup set failures = 0, last_failure = null, next_try_at_ms = 0 where workspace_id = $1`,
    [workspaceId],
  );
};

/** The payment of the workspace that saved a card last. */
export const paymentThatSaved = async (runner: QueryRunner, workspaceId: string): Promise<string | undefined> => {
  const [row] = await queryRows<{ payment_intent: string }>(
    runner,
    `select payment_intent from topup_order where workspace_id = $1 and saves_method and state = 'paid' and payment_intent is not null
      order by paid_at desc limit 1`,
    [workspaceId],
  );
  return row?.payment_intent;
};

/** As the rule sees it. A threshold of a part of a cent counts as the next whole one. */
export const ruleOf = ({ threshold, ...row }: AutoTopUpRow): AutoTopUpState => ({
  enabled: row.enabled,
  thresholdCents: centsUp(threshold),
  creditsCents: row.creditsCents,
  dailyMaxCents: row.dailyMaxCents,
  nextTryAtMs: row.nextTryAtMs,
});

const centsUp = (picodollars: bigint): bigint => toCents(picodollars) ?? picodollars / PICODOLLARS_PER_CENT + 1n;
