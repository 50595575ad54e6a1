// Reads kept decisions as the reader role inside one workspace: row-level security lets no other workspace's rows through, whatever the query says.
import type { DecisionRecorded } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { dayOfGeneration } from '../partitions/day-of-generation.js';

interface Row {
  readonly record: DecisionRecorded;
}

export const readDecision = (
  database: Database,
  workspaceId: string,
  generationId: string,
): Promise<DecisionRecorded | undefined> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const [row] = await queryRows<Row>(
      runner,
      `select record from decision where workspace_id = $1 and generation_id = $2 and day = $3`,
      [workspaceId, generationId, dayOfGeneration(generationId)],
    );
    return row?.record;
  });

export interface DecisionsOf {
  /** Unix ms of the generation's second; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  /** Exclusive. */
  readonly after?: string | undefined;
}

/** An id begins with its second, and ids compare as bytes. */
const firstIdOf = (ms: number): string => `gen-${String(Math.max(0, Math.ceil(ms / 1000))).padStart(10, '0')}-`;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Oldest first. */
export const listDecisions = (
  database: Database,
  workspaceId: string,
  { from, to, limit, after }: DecisionsOf,
): Promise<DecisionRecorded[]> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const rows = await queryRows<Row>(
      runner,
      `select record from decision
        where workspace_id = $1 and generation_id >= $2 and generation_id < $3 and day between $4 and $5 and generation_id > $6
        order by generation_id limit $7`,
      [workspaceId, firstIdOf(from), firstIdOf(to), dayOf(from), dayOf(to), after ?? '', limit],
    );
    return rows.map(({ record }) => record);
  });
