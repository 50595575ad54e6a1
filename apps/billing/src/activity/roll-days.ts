// Sums up the usage of days that are over, after the fact: settlement knows nothing of it. A day of a workspace is always summed anew and whole, so that
// doing it twice changes nothing, and nothing depends on the order in which transactions committed.
import { queryRows, type Database } from '@waystation/postgres';
import { DAY_MS, dayOf } from './read-usage.js';
import { SUMS, idFrom, usageOfCharges } from './usage-sql.js';

/** A day is summed up when most of what is late has come. */
const LATE_MS = 60 * 60_000;
/** Charges settled so long before the last run are looked at again: longer than any transaction lasts. */
const OVERLAP_MS = 5 * 60_000;
/** Days that one run takes on; the rest waits for the next. */
const DAYS_MAX = 40;
const STATEMENT_TIMEOUT_MS = 300_000;

const KEY = 'workspace_id, key_hash, member_id, app, tags, provider, endpoint_id, model';

const insertDay = (where: string): string => `
  insert into usage_day (day, ${KEY}, charged, byok, requests, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens)
  select $1::date, ${KEY}, ${SUMS} from (${usageOfCharges(where)}) u group by ${KEY}
  having sum(requests) > 0 or bool_or(charged <> 0) or bool_or(byok <> 0)`;

const bounds = (day: string): [from: string, to: string] => {
  const start = Date.parse(`${day}T00:00:00Z`);
  return [idFrom(start), idFrom(start + DAY_MS)];
};

/** One job at a time, whichever billing process runs it. */
const JOB_LOCK = `select pg_advisory_xact_lock(hashtextextended('waystation.usage_day', 0))`;

/** Sums up `day` for all workspaces, or anew for the one given. */
const rollDay = (database: Database, day: string, rolledAtMs: number, workspaceId?: string): Promise<void> =>
  database.transaction(async (runner) => {
    await runner.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    await runner.query(JOB_LOCK);
    const [from, to] = bounds(day);
    const ofWorkspace = workspaceId === undefined ? '' : ' and workspace_id = $4';
    const values = workspaceId === undefined ? [] : [workspaceId];
    await queryRows(
      runner,
      `delete from usage_day where day = $1::date${workspaceId === undefined ? '' : ' and workspace_id = $2'}`,
      [day, ...values],
    );
    await queryRows(runner, insertDay(`generation_id >= $2 and generation_id < $3${ofWorkspace}`), [
      day,
      from,
      to,
      ...values,
    ]);
    if (workspaceId === undefined)
      await queryRows(
        runner,
        `insert into usage_rolled (day, rolled_at) values ($1, to_timestamp($2::float8 / 1000))
         on conflict (day) do update set rolled_at = excluded.rolled_at`,
        [day, rolledAtMs],
      );
  });

/** Days that are over and not summed up yet, the oldest first. */
const daysToRoll = async (database: Database, nowMs: number): Promise<string[]> => {
  const [first] = await database.query<{ id: string | null }>(`select min(generation_id) as id from charge`);
  if (first?.id === undefined || first.id === null) return [];
  const known = new Set(
    (await database.query<{ day: string }>(`select day::text as day from usage_rolled`)).map(({ day }) => day),
  );
  const days: string[] = [];
  const firstMs = Number(first.id.slice(4, 14)) * 1_000;
  for (let at = firstMs - (firstMs % DAY_MS); at + DAY_MS + LATE_MS <= nowMs && days.length < DAYS_MAX; at += DAY_MS) {
    const day = dayOf(at);
    if (!known.has(day)) days.push(day);
  }
  return days;
};

/** Days of workspaces that got charges since they were summed up, as far as the last runs have not seen them. */
const daysToRollAgain = (database: Database, sinceMs: number) =>
  database.query<{ workspace_id: string; day: string }>(
    `select distinct c.workspace_id, r.day::text as day
       from (select distinct workspace_id, substr(generation_id, 5, 10)::bigint / 86400 as day from charge where settled_at >= to_timestamp($1::float8 / 1000)) c
       join usage_rolled r on r.day = date '1970-01-01' + c.day::int`,
    [sinceMs],
  );

/** `lastMs` is when the run before began. Answers how many days were summed up, new or again. */
export const rollDays = async (database: Database, nowMs: number, lastMs: number): Promise<number> => {
  const again = await daysToRollAgain(database, lastMs - OVERLAP_MS);
  for (const { workspace_id, day } of again) await rollDay(database, day, nowMs, workspace_id);
  return again.length + (await rollFresh(database, nowMs));
};

const rollFresh = async (database: Database, nowMs: number): Promise<number> => {
  const fresh = await daysToRoll(database, nowMs);
  for (const day of fresh) await rollDay(database, day, nowMs);
  return fresh.length;
};

/** Forgets all sums and makes them anew from the charges. */
export const rebuildDays = async (database: Database, nowMs: number): Promise<void> => {
  await database.transaction(async (runner) => {
    await runner.query(JOB_LOCK);
    await runner.query('delete from usage_rolled');
    await runner.query('delete from usage_day');
  });
  while ((await rollFresh(database, nowMs)) > 0);
};
