// The charges of one generation as they stand in the database: every revision of every attempt, in order.
import type { Payer } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface ChargeRow {
  readonly attempt_id: string;
  readonly revision: number;
  readonly provider: string;
  readonly endpoint_id: string;
  readonly model: string;
  readonly charged: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly surcharge: string;
  readonly surcharge_ppm: number;
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
  readonly lease_ends_at_ms: string | null;
  readonly lease_closed_at_ms: string | null;
  readonly quota_set: string[];
  readonly hold: string;
  readonly settled_at_ms: string;
}

const CHARGES_MAX = 256;

/** `runner` is a reader's, bound to the workspace. */
export const readChargeHistory = (
  runner: QueryRunner,
  workspaceId: string,
  generationId: string,
): Promise<ChargeRow[]> =>
  queryRows<ChargeRow>(
    runner,
    `select attempt_id, revision, provider, endpoint_id, model, charged, waste, variance, byok, surcharge, surcharge_ppm, payer, outcome, outcome_by, policy_row, price_version,
            usage, usage_source, usage_by, service_tier, rerate_id, lease_id, hold, quota_set,
            lease.ends_at_ms as lease_ends_at_ms, floor(extract(epoch from lease.closed_at) * 1000)::bigint as lease_closed_at_ms,
            floor(extract(epoch from settled_at) * 1000)::bigint as settled_at_ms
       from charge left join lease on lease.id = charge.lease_id
      where generation_id = $1 and charge.workspace_id = $2
      order by length(attempt_id), attempt_id, revision limit $3`,
    [generationId, workspaceId, CHARGES_MAX],
  );
