// Attempts that their ingress went on without: it began a later one of the same generation, and does so only while its client has got nothing. So that what a worker
// did for nobody (it was too slow to accept, and never heard that it was given up) is not charged while the generation still runs, only to be taken back at its end.
import type { QueryRunner } from 'typeorm';
import { attemptIdOf } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';

export interface LeftBehind {
  /** A later attempt stands for the generation's request in the quotas that count requests. */
  readonly requestWentOn: boolean;
}

interface AttemptRow {
  readonly generation_id: string;
  readonly attempt_id: string;
  readonly counts: boolean | null;
}

const ordinalOf = (attemptId: string): number => Number(attemptId.slice(attemptId.lastIndexOf('-') + 1));

/** Of these attempts, those behind which a later one is known: it waits, or is settled. By attempt id. */
export const leftBehindOf = async (
  runner: QueryRunner,
  attempts: readonly { readonly generationId: string; readonly attemptId: string }[],
): Promise<Map<string, LeftBehind>> => {
  if (attempts.length === 0) return new Map();
  const generationIds = [...new Set(attempts.map(({ generationId }) => generationId))];
  const rows = await queryRows<AttemptRow>(
    runner,
    // Ids of a generation's attempts lie side by side in the key: from the first ordinal on, and before what comes behind the digits.
    `select a.generation_id, b.attempt_id, b.counts from unnest($1::text[], $2::text[]) as a (generation_id, first),
            lateral (select attempt_id, (backing ->> 'requests')::numeric > 0 as counts from witness
                      where attempt_id >= a.first and attempt_id < left(a.first, -1) || ':'
                      union all
                     select attempt_id, counted_requests > 0 from charge where charge.generation_id = a.generation_id and revision = 0 offset 0) as b`,
    [generationIds, generationIds.map((generationId) => attemptIdOf(generationId, 0))],
  );
  const byGeneration = Map.groupBy(rows, (row) => row.generation_id);
  return new Map(
    attempts.flatMap(({ generationId, attemptId }) => {
      const later = (byGeneration.get(generationId) ?? []).filter(
        (row) => ordinalOf(row.attempt_id) > ordinalOf(attemptId),
      );
      const requestWentOn = later.some(({ counts }) => counts === true);
      return later.length === 0 ? [] : [[attemptId, { requestWentOn }] as const];
    }),
  );
};
