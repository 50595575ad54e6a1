// Reads generations as the reader role inside one workspace: row-level security lets no other workspace's rows through, whatever the query says.
import { unixOfGeneration, type GenerationRecorded } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';

interface Row {
  readonly record: Omit<GenerationRecorded, 'attempts'>;
  readonly attempts: GenerationRecorded['attempts'];
}

const SELECT = `
  select record,
         (select coalesce(jsonb_agg(attempt.record order by attempt.ordinal), '[]')
            from attempt
           where attempt.workspace_id = generation.workspace_id and attempt.generation_id = generation.id and attempt.day = generation.day) as attempts
    from generation`;

const whole = ({ record, attempts }: Row): GenerationRecorded => ({ ...record, attempts });
const dayOf = (generationId: string): string =>
  new Date(unixOfGeneration(generationId) * 1000).toISOString().slice(0, 10);

export const readGeneration = (
  database: Database,
  workspaceId: string,
  generationId: string,
): Promise<GenerationRecorded | undefined> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const [row] = await queryRows<Row>(runner, `${SELECT} where workspace_id = $1 and id = $2 and day = $3`, [
      workspaceId,
      generationId,
      dayOf(generationId),
    ]);
    return row && whole(row);
  });

/** Newest first; `before` is exclusive. */
export const listGenerations = (
  database: Database,
  workspaceId: string,
  limit: number,
  before: string | undefined,
): Promise<GenerationRecorded[]> =>
  database.asWorkspace(workspaceId, async (runner) => {
    const [where, values] = before === undefined ? ['', []] : [' and id < $3 and day <= $4', [before, dayOf(before)]];
    const rows = await queryRows<Row>(runner, `${SELECT} where workspace_id = $1${where} order by id desc limit $2`, [
      workspaceId,
      limit,
      ...values,
    ]);
    return rows.map(whole);
  });
