// Writes a batch in one transaction of set-based statements. A line that is there already changes nothing; a line that the database refuses becomes a
// dead letter, and the rest of its batch is written without it.
import type { QueryRunner } from 'typeorm';
import type { Database } from '@waystation/postgres';
import { linesJson } from './lines-json.js';
import { badLine, type BadLine, type GoodLine } from './sort-lines.js';

// The day is the one inside the id: `gen-<10 digits of Unix seconds>-…`.
const DAY = `(to_timestamp(substr(line ->> 'generationId', 5, 10)::bigint) at time zone 'UTC')::date`;

// One statement, so that the batch is parsed once.
const INSERT_LINES = `
  with line as materialized (
    select ${DAY} as day, line #>> '{identity,workspaceId}' as workspace_id, line ->> 'generationId' as id, line
      from jsonb_array_elements($1::jsonb) as line
  ), generations as (
    insert into generation (day, workspace_id, id, created_at, key_hash, member_id, end_user_id, session_id, model, provider, outcome, cost, record)
    select day, workspace_id, id, to_timestamp((line ->> 'createdAt')::bigint / 1000.0),
           line #>> '{identity,keyHash}', line #>> '{identity,memberId}', line #>> '{identity,endUserId}', line #>> '{identity,sessionId}',
           line ->> 'model', line ->> 'provider', line ->> 'outcome', (line ->> 'costPicodollars')::numeric, line - 'attempts'
      from line
    on conflict do nothing
  )
  insert into attempt (day, workspace_id, generation_id, ordinal, attempt_id, endpoint_id, provider, outcome, record)
  select day, workspace_id, id, ordinal, attempt ->> 'attemptId',
         attempt #>> '{attempt,endpointId}', attempt #>> '{attempt,provider}', attempt ->> 'outcome', attempt
    from line, jsonb_array_elements(line.line -> 'attempts') with ordinality as each (attempt, ordinal)
  on conflict do nothing`;

const INSERT_DEAD_LETTERS = `
  insert into dead_letter (stream, position, instance, reason, line, line_hash)
  select 'TRAIL', letter ->> 'position', letter ->> 'instance', letter ->> 'reason', letter ->> 'text', md5(coalesce(letter ->> 'text', ''))
    from jsonb_array_elements($1::jsonb) as letter
  on conflict do nothing`;

const insert = async (runner: QueryRunner, good: readonly GoodLine[], bad: readonly BadLine[]): Promise<void> => {
  if (good.length > 0) {
    await runner.query(INSERT_LINES, [linesJson(good.map(({ line }) => line))]);
  }
  if (bad.length > 0) await runner.query(INSERT_DEAD_LETTERS, [linesJson(bad)]);
};

/** Data exceptions (22…) and violated constraints (23…) are the line's fault, and will be the next time; everything else may pass. */
const isLineFault = (error: unknown): error is { code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]/.test(error.code);

/** Resolves when all of it is committed; answers the dead letters. Rejects where a later try may succeed. */
export const storeLines = async (
  database: Database,
  good: readonly GoodLine[],
  bad: readonly BadLine[],
): Promise<readonly BadLine[]> => {
  try {
    await database.transaction((runner) => insert(runner, good, bad));
    return bad;
  } catch (error) {
    if (!isLineFault(error)) throw error;
    const reason = `Postgres refuses it: ${error.code}`;
    const [only] = good;
    if (only === undefined) throw error;
    if (good.length === 1) return storeLines(database, [], [...bad, badLine(only.position, reason)]);
    // Halving finds the few bad lines of a batch in few statements.
    const half = Math.ceil(good.length / 2);
    const first = await storeLines(database, good.slice(0, half), bad);
    return [...first, ...(await storeLines(database, good.slice(half), []))];
  }
};
