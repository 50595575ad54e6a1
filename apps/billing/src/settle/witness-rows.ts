// Attempts that wait, and lines that cannot be settled, in Postgres.
import { z } from 'zod';
import { OUTCOMES } from '@waystation/generation';
import { queryPrepared, type Statement } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { backing } from './backing.js';
import type { Waiting } from './cases.js';
import type { BadLine } from './read-lines.js';

const evidence = z.object({
  outcomeBy: z.enum(['nobody', 'worker', 'ingress']),
  outcome: z.enum(OUTCOMES),
  served: z.boolean(),
  usageBy: z.enum(['nobody', 'progress', 'worker', 'ingress']),
  usage: z.record(z.string(), z.number()),
  usageSource: z.enum(['provider', 'estimated', 'clamped']),
  serviceTier: z.string().optional(),
  sequence: z.number(),
  delivered: z.number().default(0),
});

interface WitnessRow {
  readonly backing: unknown;
  readonly evidence: unknown;
  readonly due_at_ms: string;
}

const waitingOf = (row: WitnessRow): Waiting => ({
  backing: backing.parse(row.backing),
  evidence: evidence.parse(row.evidence),
  dueAtMs: Number(row.due_at_ms),
});

/** Those of these attempts that wait, locked, by attempt id. */
export const lockWitnesses = async (
  runner: QueryRunner,
  attemptIds: readonly string[],
): Promise<Map<string, Waiting>> => {
  if (attemptIds.length === 0) return new Map();
  const rows = await queryPrepared<WitnessRow>(
    runner,
    `select backing, evidence, due_at_ms from witness where attempt_id = any($1) order by attempt_id for update`,
    [attemptIds],
  );
  return new Map(rows.map(waitingOf).map((each) => [each.backing.attemptId, each]));
};

/** Attempts whose time has come, the oldest first. */
export const dueWitnesses = async (runner: QueryRunner, throughMs: number, limit: number): Promise<Waiting[]> => {
  const rows = await queryPrepared<WitnessRow>(
    runner,
    `select backing, evidence, due_at_ms from witness where due_at_ms <= $1 order by due_at_ms limit $2`,
    [throughMs, limit],
  );
  return rows.map(waitingOf);
};

export const upsertWitnesses = async (runner: QueryRunner, waiting: readonly Waiting[]): Promise<void> => {
  if (waiting.length === 0) return;
  const sorted = [...waiting].sort((a, b) => (a.backing.attemptId < b.backing.attemptId ? -1 : 1));
  await queryPrepared(
    runner,
    `insert into witness (attempt_id, generation_id, workspace_id, lease_id, backing, evidence, due_at_ms)
     select attempt_id, generation_id, workspace_id, lease_id, backing::jsonb, evidence::jsonb, due_at_ms
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
         as w (attempt_id, generation_id, workspace_id, lease_id, backing, evidence, due_at_ms)
     on conflict (attempt_id) do update set backing = excluded.backing, evidence = excluded.evidence, due_at_ms = excluded.due_at_ms`,
    [
      sorted.map(({ backing: { attemptId } }) => attemptId),
      sorted.map(({ backing: { generationId } }) => generationId),
      sorted.map(({ backing: { workspaceId } }) => workspaceId),
      sorted.map(({ backing: { leaseId } }) => leaseId ?? null),
      sorted.map((each) => JSON.stringify(each.backing)),
      sorted.map((each) => JSON.stringify(each.evidence)),
      sorted.map(({ dueAtMs }) => dueAtMs),
    ],
  );
};

export const deletedWitnesses = (attemptIds: readonly string[]): Statement[] =>
  attemptIds.length === 0 ? [] : [{ sql: `delete from witness where attempt_id = any($1)`, values: [attemptIds] }];

export const insertDeadLetters = async (runner: QueryRunner, letters: readonly BadLine[]): Promise<void> => {
  if (letters.length === 0) return;
  await queryPrepared(
    runner,
    `insert into dead_letter (position, instance, reason, line, line_hash)
     select position, instance, reason, line, md5(coalesce(line, ''))
       from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as d (position, instance, reason, line)
     on conflict do nothing`,
    [
      letters.map(({ position }) => position),
      letters.map(({ instance }) => instance),
      letters.map(({ reason }) => reason),
      letters.map(({ text }) => text ?? null),
    ],
  );
};
