// What the ledger has of one generation: every revision of every attempt with its price and its lease, and the attempts that still wait. The only query of it.
import type { Payer } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface ChargeRow {
  readonly attempt_id: string;
  readonly revision: number;
  readonly posting: string;
  readonly workspace_id: string;
  readonly key_hash: string;
  readonly member_id: string | null;
  readonly end_user_id: string | null;
  readonly app: string | null;
  readonly tags: readonly string[] | null;
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
  readonly served: boolean;
  readonly policy_row: string;
  readonly price_version: string;
  /** Null where somebody took the version away. */
  readonly price: unknown;
  readonly price_from_ms: string | null;
  readonly usage: Record<string, number>;
  readonly usage_source: string;
  readonly usage_by: string;
  readonly service_tier: string | null;
  readonly rerate_id: string | null;
  readonly quota_set: string[];
  readonly hold: string;
  readonly settled_at_ms: string;
  readonly lease_id: string | null;
  /** Null, as all of the lease below, where billing never granted it. */
  readonly lease_instance: string | null;
  readonly lease_granted: string | null;
  readonly lease_held: string | null;
  readonly lease_granted_at_ms: string | null;
  readonly lease_ends_at_ms: string | null;
  readonly lease_closed_at_ms: string | null;
}

export interface WaitingRow {
  readonly attempt_id: string;
  readonly due_at_ms: string;
}

export interface GenerationRows {
  /** By attempt, an attempt's revisions in order. */
  readonly charges: readonly ChargeRow[];
  readonly waiting: readonly WaitingRow[];
}

const CHARGES_MAX = 256;
const WAITING_MAX = 64;
const MS = (column: string): string => `floor(extract(epoch from ${column}) * 1000)::bigint`;

const CHARGES = `
  select c.attempt_id, c.revision, c.posting, c.workspace_id, c.key_hash, c.member_id, c.end_user_id, coalesce(c.app_title, c.app_referer) as app, c.tags,
         c.provider, c.endpoint_id, c.model, c.charged, c.waste, c.variance, c.byok, c.surcharge, c.surcharge_ppm, c.payer, c.outcome, c.outcome_by, c.served, c.policy_row,
         c.price_version, p.price, p.effective_at_ms as price_from_ms, c.usage, c.usage_source, c.usage_by, c.service_tier, c.rerate_id,
         c.quota_set, c.hold, ${MS('c.settled_at')} as settled_at_ms, c.lease_id, l.instance as lease_instance, l.granted as lease_granted,
         l.held as lease_held, ${MS('l.created_at')} as lease_granted_at_ms, l.ends_at_ms as lease_ends_at_ms,
         ${MS('l.closed_at')} as lease_closed_at_ms
    from charge c left join lease l on l.id = c.lease_id left join price_version p on p.id = c.price_version
   where c.generation_id = $1 and ($2::text is null or c.workspace_id = $2)
   order by length(c.attempt_id), c.attempt_id, c.revision limit ${CHARGES_MAX}`;

/** An attempt's id begins with its generation's, so that the primary key finds them. */
const WAITING = `
  select attempt_id, due_at_ms from witness
   where attempt_id >= $3 and attempt_id < $4 and generation_id = $1 and ($2::text is null or workspace_id = $2)
   order by length(attempt_id), attempt_id limit ${WAITING_MAX}`;

/** Without a workspace: of any, for the operator, over the writer's connection. Otherwise `runner` is a reader's, bound to the workspace. */
export const readGeneration = async (
  runner: QueryRunner,
  generationId: string,
  workspaceId?: string,
): Promise<GenerationRows> => {
  const about = [generationId, workspaceId ?? null];
  const attempts = `att-${generationId.slice(4)}`;
  return {
    charges: await queryRows<ChargeRow>(runner, CHARGES, about),
    waiting: await queryRows<WaitingRow>(runner, WAITING, [...about, `${attempts}-`, `${attempts}.`]),
  };
};
