// What billing and logging could not read, as it lies in their schemas.
import type { RunningSystem } from '@waystation/testing';
import pg from 'pg';

export const deadLetters = async (system: RunningSystem): Promise<readonly unknown[]> => {
  const client = new pg.Client({ connectionString: system.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ letter: unknown }>(
      'select to_jsonb(l) as letter from billing.dead_letter l union all select to_jsonb(l) from logging.dead_letter l',
    );
    return rows.map(({ letter }) => letter);
  } finally {
    await client.end();
  }
};
