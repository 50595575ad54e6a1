// Why a generation was charged: every revision of every attempt, and who bore what of it.
import type { Payer } from '@waystation/ledger';
import type { QueryRunner } from 'typeorm';
import { readChargeHistory, type ChargeRow } from './charge-history.js';

export interface ExplainedCharge {
  readonly attemptId: string;
  readonly revision: number;
  /** Of this revision: a difference to the one before. */
  readonly amount: bigint;
  readonly payer: Payer;
  readonly outcome: string;
  readonly policyRow: string;
  readonly priceVersion: string;
  readonly usage: Record<string, number>;
  readonly usageSource: string;
  readonly serviceTier?: string;
  /** The re-rating that made this revision. */
  readonly rerateId?: string;
  /** Whose word the outcome and the usage are. */
  readonly witness: string;
  readonly leaseId?: string;
  readonly hold: bigint;
  readonly settledAtMs: number;
}

/** Items that are told at most. */
const ITEMS_MAX = 64;

/** `runner` is a reader's, bound to the workspace. */
export const explainGeneration = async (
  runner: QueryRunner,
  workspaceId: string,
  generationId: string,
): Promise<ExplainedCharge[]> => explainCharges(await readChargeHistory(runner, workspaceId, generationId));

export const explainCharges = (rows: readonly ChargeRow[]): ExplainedCharge[] =>
  rows.flatMap(explained).slice(0, ITEMS_MAX);

/** One item for each account that bore a part; an item of zero where there was nothing to bear. */
const explained = (row: ChargeRow): ExplainedCharge[] => {
  const parts: [Payer, bigint][] = [
    ['credits', BigInt(row.charged)],
    ['waste', BigInt(row.waste)],
    ['variance', BigInt(row.variance)],
    ['byok', BigInt(row.byok)],
  ];
  const borne = parts.filter(([, amount]) => amount !== 0n);
  return (borne.length === 0 ? parts.filter(([payer]) => payer === row.payer) : borne).map(([payer, amount]) => ({
    attemptId: row.attempt_id,
    revision: row.revision,
    amount,
    payer,
    outcome: row.outcome,
    policyRow: row.policy_row,
    priceVersion: row.price_version,
    usage: row.usage,
    usageSource: row.usage_source,
    witness: row.outcome_by === row.usage_by ? row.outcome_by : `${row.outcome_by}, usage by ${row.usage_by}`,
    ...(row.service_tier === null ? {} : { serviceTier: row.service_tier }),
    ...(row.rerate_id === null ? {} : { rerateId: row.rerate_id }),
    ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
    hold: BigInt(row.hold),
    settledAtMs: Number(row.settled_at_ms),
  }));
};
