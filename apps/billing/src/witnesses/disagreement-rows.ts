// Disagreements of witnesses in Postgres: one row an attempt, the first that was found. Only added to.
import { z } from 'zod';
import { OUTCOMES } from '@waystation/generation';
import type { Evidence } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { Backing } from '../settle/backing.js';
import type { PriceBook } from '../settle/price-book.js';
import { DISAGREEMENT_KINDS, differenceOf, type Contradiction, type DisagreementKind } from './compare-witnesses.js';

export interface Disagreement extends Contradiction {
  readonly backing: Backing;
  /** The attempt was settled from the worker's word before the ingress was heard: a correction, if there is one, tells of it. */
  readonly workerWasCharged: boolean;
}

const word = z.object({
  outcome: z.enum(OUTCOMES),
  /** Absent where a worker told no final usage. */
  usage: z.record(z.string(), z.number()).optional(),
  usageSource: z.enum(['provider', 'estimated', 'clamped']).optional(),
  serviceTier: z.string().optional(),
});
type Word = z.infer<typeof word>;

const wordOf = ({ outcome, usageBy, usage, usageSource, serviceTier }: Evidence): Word =>
  usageBy === 'ingress' || usageBy === 'worker'
    ? { outcome, usage, usageSource, ...(serviceTier === undefined ? {} : { serviceTier }) }
    : { outcome };

/** Answers the kinds of those that were not known before. Where there is none it asks nothing. */
export const insertDisagreements = async (
  runner: QueryRunner,
  prices: PriceBook,
  found: readonly Disagreement[],
): Promise<DisagreementKind[]> => {
  if (found.length === 0) return [];
  const priceOf = await prices.of(
    runner,
    found.map(({ backing }) => backing.priceVersion),
  );
  const sorted = [...found].sort((a, b) => (a.backing.attemptId < b.backing.attemptId ? -1 : 1));
  const rows = await queryRows<{ kind: string }>(
    runner,
    `insert into disagreement (attempt_id, generation_id, workspace_id, kind, ingress, worker, price_version, difference)
     select attempt_id, generation_id, workspace_id, kind, ingress::jsonb, worker::jsonb, price_version, difference
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::numeric[])
         as d (attempt_id, generation_id, workspace_id, kind, ingress, worker, price_version, difference)
     on conflict (attempt_id) do nothing returning kind`,
    [
      sorted.map(({ backing }) => backing.attemptId),
      sorted.map(({ backing }) => backing.generationId),
      sorted.map(({ backing }) => backing.workspaceId),
      sorted.map(({ kind }) => kind),
      sorted.map(({ ingress }) => JSON.stringify(wordOf(ingress))),
      sorted.map(({ worker }) => JSON.stringify(wordOf(worker))),
      sorted.map(({ backing }) => backing.priceVersion),
      sorted.map((each) => differenceOf(each, priceOf(each.backing.priceVersion)).toString()),
    ],
  );
  return rows.map(({ kind }) => kindOf.parse(kind));
};

const kindOf = z.enum(DISAGREEMENT_KINDS);

export interface ListedDisagreement {
  /** Grows with time; what comes before a row in the list has a larger one. */
  readonly id: number;
  readonly attemptId: string;
  readonly generationId: string;
  readonly workspaceId: string;
  readonly kind: DisagreementKind;
  readonly ingress: Word;
  readonly worker: Word;
  readonly priceVersion: string;
  readonly difference: bigint;
  readonly foundAtMs: number;
}

interface Row {
  readonly id: string;
  readonly attempt_id: string;
  readonly generation_id: string;
  readonly workspace_id: string;
  readonly kind: string;
  readonly ingress: unknown;
  readonly worker: unknown;
  readonly price_version: string;
  readonly difference: string;
  readonly found_at_ms: string;
}

const listedOf = (row: Row): ListedDisagreement => ({
  id: Number(row.id),
  attemptId: row.attempt_id,
  generationId: row.generation_id,
  workspaceId: row.workspace_id,
  kind: kindOf.parse(row.kind),
  ingress: word.parse(row.ingress),
  worker: word.parse(row.worker),
  priceVersion: row.price_version,
  difference: BigInt(row.difference),
  foundAtMs: Number(row.found_at_ms),
});

export interface WhichDisagreements {
  readonly limit: number;
  /** Exclusive. */
  readonly before?: number | undefined;
  readonly workspaceId?: string | undefined;
  readonly since?: number | undefined;
}

/** Newest first. */
export const listDisagreements = async (
  runner: QueryRunner,
  { limit, before, workspaceId, since }: WhichDisagreements,
): Promise<ListedDisagreement[]> => {
  const rows = await queryRows<Row>(
    runner,
    `select id, attempt_id, generation_id, workspace_id, kind, ingress, worker, price_version, difference,
            floor(extract(epoch from found_at) * 1000)::bigint as found_at_ms
       from disagreement
      where ($2::bigint is null or id < $2) and ($3::text is null or workspace_id = $3)
        and ($4::bigint is null or found_at >= to_timestamp($4 / 1000.0))
      order by id desc limit $1`,
    [limit, before ?? null, workspaceId ?? null, since ?? null],
  );
  return rows.map(listedOf);
};
