// Dead letters, settled again: after a fault was mended here, or where another process's fault has passed. A letter goes the way of every line, so that what was
// settled meanwhile is a no-op; it is marked when it settled, and never tried again then. Nothing is published: the way through the bus would only repeat the fault.
import { queryRows, type Database } from '@waystation/postgres';
import type { PriceBook } from '../settle/price-book.js';
import type { SettleTimes } from '../settle/read-lines.js';
import { settleLines } from '../settle/settle-lines.js';

export interface ReplayOptions {
  readonly ids?: readonly number[] | undefined;
  /** Part of the reason. */
  readonly reason?: string | undefined;
  readonly since?: number | undefined;
  readonly limit: number;
  readonly dryRun: boolean;
}

export interface ReplayedLetter {
  readonly id: number;
  readonly position: string;
  readonly receivedAt: number;
  /** Why it is here; where it was tried in vain, why it still is. */
  readonly reason: string;
  readonly result: 'waiting' | 'replayed' | 'still-bad';
}

interface LetterRow {
  readonly id: string;
  readonly position: string;
  readonly instance: string;
  readonly reason: string;
  readonly line: string | null;
  readonly received_at_ms: string;
}

const REASON_UNITS_MAX = 512;

export const replayDeadLetters = async (
  database: Database,
  prices: PriceBook,
  times: SettleTimes,
  { ids, reason, since, limit, dryRun }: ReplayOptions,
): Promise<{ readonly letters: readonly ReplayedLetter[]; readonly left: number }> => {
  const rows = await database.query<LetterRow>(
    `select id, position, instance, reason, line, floor(extract(epoch from received_at) * 1000)::bigint as received_at_ms
       from dead_letter
      where replayed_at is null and ($1::bigint[] is null or id = any($1)) and ($2::text is null or strpos(reason, $2) > 0)
        and received_at >= to_timestamp($3::float8 / 1000)
      order by id limit $4`,
    [ids ?? null, reason ?? null, since ?? 0, limit],
  );
  const letters: ReplayedLetter[] = [];
  for (const row of rows) letters.push(dryRun ? letterOf(row, 'waiting') : await replay(database, prices, times, row));
  const [count] = await database.query<{ left: string }>(
    `select count(*) as left from dead_letter where replayed_at is null`,
  );
  return { letters, left: Number(count?.left ?? 0) };
};

const letterOf = (row: LetterRow, result: ReplayedLetter['result'], reason = row.reason): ReplayedLetter => ({
  id: Number(row.id),
  position: row.position,
  receivedAt: Number(row.received_at_ms),
  reason: reason.slice(0, REASON_UNITS_MAX),
  result,
});

const replay = async (
  database: Database,
  prices: PriceBook,
  times: SettleTimes,
  row: LetterRow,
): Promise<ReplayedLetter> => {
  const line = parsed(row.line);
  if (line === undefined) return letterOf(row, 'still-bad', `${row.reason} (kept without a whole line)`);
  const { position, instance } = row;
  const { bad } = await settleLines(database, prices, [{ line, position, instance, deliveries: 1 }], times);
  const [fault] = bad;
  if (fault !== undefined) return letterOf(row, 'still-bad', fault.reason);
  await database.transaction((runner) =>
    queryRows(runner, `update dead_letter set replayed_at = now() where id = $1 and replayed_at is null`, [row.id]),
  );
  return letterOf(row, 'replayed');
};

/** Undefined where no line was kept, or only its beginning. */
const parsed = (text: string | null): unknown => {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
