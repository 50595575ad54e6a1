// Writes a batch in one transaction of set-based statements. A line that is there already changes nothing; a line that the database refuses becomes a
// dead letter, and the rest of its batch is written without it.
import type { QueryRunner } from 'typeorm';
import type { DecisionRecorded, GenerationRecorded } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { dayOfGeneration } from '../partitions/day-of-generation.js';
import { linesJson, storableLines } from './lines-json.js';
import { badLine, type BadLine, type GoodLine } from './sort-lines.js';

// Columns as arrays and the records as one JSON text, so that nothing is looked for in a record again.
const INSERT_GENERATIONS = `
  insert into generation (day, workspace_id, id, created_at, key_hash, member_id, end_user_id, session_id, model, provider, outcome, cost, record)
  select day, workspace_id, id, to_timestamp(created_at_ms / 1000.0), key_hash, member_id, end_user_id, session_id, model, provider, outcome, cost, record
    from rows from (unnest($1::date[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), unnest($5::text[]), unnest($6::text[]), unnest($7::text[]),
                    unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]), unnest($12::numeric[]), json_array_elements($13::json))
      as g (day, workspace_id, id, created_at_ms, key_hash, member_id, end_user_id, session_id, model, provider, outcome, cost, record)
  on conflict do nothing`;

const INSERT_DECISIONS = `
  insert into decision (day, workspace_id, generation_id, created_at, record)
  select day, workspace_id, generation_id, to_timestamp(created_at_ms / 1000.0), record
    from rows from (unnest($1::date[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]), json_array_elements($5::json))
      as d (day, workspace_id, generation_id, created_at_ms, record)
  on conflict do nothing`;

const INSERT_DEAD_LETTERS = `
  insert into dead_letter (stream, position, instance, reason, line, line_hash)
  select 'TRAIL', letter ->> 'position', letter ->> 'instance', letter ->> 'reason', letter ->> 'text', md5(coalesce(letter ->> 'text', ''))
    from jsonb_array_elements($1::jsonb) as letter
  on conflict do nothing`;

const insertGenerations = async (runner: QueryRunner, lines: readonly GenerationRecorded[]): Promise<void> => {
  const text = linesJson(lines);
  const rows = storableLines(lines, text);
  await queryRows(runner, INSERT_GENERATIONS, [
    rows.map(({ generationId }) => dayOfGeneration(generationId)),
    rows.map(({ identity }) => identity.workspaceId),
    rows.map(({ generationId }) => generationId),
    rows.map(({ createdAt }) => createdAt),
    rows.map(({ identity }) => identity.keyHash),
    rows.map(({ identity }) => identity.memberId ?? null),
    rows.map(({ identity }) => identity.endUserId ?? null),
    rows.map(({ identity }) => identity.sessionId ?? null),
    rows.map(({ model }) => model ?? null),
    rows.map(({ provider }) => provider ?? null),
    rows.map(({ outcome }) => outcome),
    rows.map(({ costPicodollars }) => costPicodollars),
    text,
  ]);
};

const insertDecisions = async (runner: QueryRunner, lines: readonly DecisionRecorded[]): Promise<void> => {
  const text = linesJson(lines);
  const rows = storableLines(lines, text);
  await queryRows(runner, INSERT_DECISIONS, [
    rows.map(({ generationId }) => dayOfGeneration(generationId)),
    rows.map(({ identity }) => identity.workspaceId),
    rows.map(({ generationId }) => generationId),
    rows.map(({ createdAt }) => createdAt),
    text,
  ]);
};

const insert = async (runner: QueryRunner, good: readonly GoodLine[], bad: readonly BadLine[]): Promise<void> => {
  const lines = good.map(({ line }) => line);
  const generations = lines.filter((line) => line.kind === 'generation.recorded');
  const decisions = lines.filter((line) => line.kind === 'decision.recorded');
  if (generations.length > 0) await insertGenerations(runner, generations);
  if (decisions.length > 0) await insertDecisions(runner, decisions);
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
