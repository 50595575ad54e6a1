// Reads generations as the reader role inside one workspace: row-level security lets no other workspace's rows through, whatever the query says.
import type { GenerationRecorded } from '@waystation/contracts';
import { dayOfGeneration } from '../partitions/day-of-generation.js';
import { queryRows, type Database } from '@waystation/postgres';

interface Row {
  readonly record: GenerationRecorded;
}

export const readGeneration = (
  database: Database,
  workspaceId: string,
  generationId: string,
): Promise<GenerationRecorded | undefined> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const [row] = await queryRows<Row>(
      runner,
      `select record from generation where workspace_id = $1 and id = $2 and day = $3`,
      [workspaceId, generationId, dayOfGeneration(generationId)],
    );
    return row?.record;
  });

/** Newest first; `before` is exclusive. */
export const listGenerations = (
  database: Database,
  workspaceId: string,
  limit: number,
  before: string | undefined,
): Promise<GenerationRecorded[]> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const [where, values] =
      before === undefined ? ['', []] : [' and id < $3 and day <= $4', [before, dayOfGeneration(before)]];
    const rows = await queryRows<Row>(
      runner,
      `select record from generation where workspace_id = $1${where} order by id desc limit $2`,
      [workspaceId, limit, ...values],
    );
    return rows.map(({ record }) => record);
  });
