// Keeps a week of daily partitions ahead. A day without one is not lost: its rows go to the default partition.
import type { Database } from '@waystation/postgres';

export const PARTITIONS_EVERY_MS = 3_600_000;
const DAYS_BACK = 1;
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;

/** How many were made. Safe to run from several processes at once. */
export const keepPartitions = async (database: Database, nowMs: number): Promise<number> => {
  const first = new Date(nowMs - DAYS_BACK * DAY_MS).toISOString().slice(0, 10);
  const [row] = await database.query<{ made: number }>('select keep_partitions($1::date, $2) as made', [
    first,
    DAYS_BACK + 1 + DAYS_AHEAD,
  ]);
  return row?.made ?? 0;
};
