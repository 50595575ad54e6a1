// The entries that a generation's charges were booked by. One entry stands for all that a posting moved between two accounts on one lease.
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { ToldGeneration } from './tell-generation.js';

export interface BookedEntry {
  readonly id: string;
  readonly posting: string;
  readonly kind: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
}

const ENTRIES_MAX = 100;

export const readBooked = async (
  runner: QueryRunner,
  { whose, attempts }: ToldGeneration,
): Promise<readonly BookedEntry[]> => {
  const revisions = attempts.flatMap((attempt) => attempt.revisions);
  return queryRows<BookedEntry>(
    runner,
    `select id, posting, kind, debit, credit, amount from entry
      where posting = any($1) and workspace_id = $2 and kind in ('settle', 'adjust') and (lease_id is null or lease_id = any($3))
      order by id limit ${ENTRIES_MAX}`,
    [
      [...new Set(revisions.map(({ posting }) => posting))],
      whose?.workspaceId ?? '',
      revisions.flatMap(({ leaseId }) => leaseId ?? []),
    ],
  );
};
