// Why a generation was charged: every revision of every attempt, and who bore what of it.
import type { Payer } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

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

interface ChargeRow {
  readonly attempt_id: string;
  readonly revision: number;
  readonly charged: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly payer: Payer;
  readonly outcome: string;
  readonly outcome_by: string;
  readonly policy_row: string;
  readonly price_version: string;
  readonly usage: Record<string, number>;
  readonly usage_source: string;
  readonly usage_by: string;
  readonly service_tier: string | null;
  readonly rerate_id: string | null;
  readonly lease_id: string | null;
  readonly hold: string;
  readonly settled_at_ms: string;
}

const CHARGES_MAX = 32;

/** `runner` is a reader's, bound to the workspace. */
export const explainGeneration = async (
  runner: QueryRunner,
  workspaceId: string,
  generationId: string,
): Promise<ExplainedCharge[]> => {
  const rows = await queryRows<ChargeRow>(
    runner,
    `select attempt_id, revision, charged, waste, variance, byok, payer, outcome, outcome_by, policy_row, price_version, usage, usage_source, usage_by, service_tier, rerate_id, lease_id, hold,
            floor(extract(epoch from settled_at) * 1000)::bigint as settled_at_ms
       from charge where generation_id = $1 and workspace_id = $2 order by attempt_id, revision limit $3`,
    [generationId, workspaceId, CHARGES_MAX],
  );
  return rows.flatMap(explained);
};

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
