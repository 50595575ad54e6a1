// Whether a database is as new as the code: which of the migrations that the code knows it has not seen. What it has seen besides, a newer release brought.
import pg from 'pg';
import type { MigrateOptions } from './migrate.js';
import type { ServiceSchema } from './postgres.js';
import { failureCode } from './failures.js';

export interface MissingMigrationsOptions {
  /** Of any role that may read the schema. */
  readonly url: string;
  readonly schema: ServiceSchema;
  readonly migrations: MigrateOptions['migrations'];
}

const CONNECT_TIMEOUT_MS = 5_000;
/** undefined_table, invalid_schema_name: nothing was migrated yet. */
const NOTHING_THERE = new Set(['42P01', '3F000']);

/** In order; none where the schema is as new as the code or newer. @throws what the server or the way to it says. */
export const missingMigrations = async ({ url, schema, migrations }: MissingMigrationsOptions): Promise<string[]> => {
  const client = new pg.Client({
    connectionString: url,
    application_name: `waystation-schema-${schema}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: CONNECT_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const ran = new Set(await namesOf(client, schema));
    return migrations.map(({ name }) => name).filter((name) => !ran.has(name));
  } finally {
    await client.end().catch(() => undefined);
  }
};

const namesOf = async (client: pg.Client, schema: ServiceSchema): Promise<string[]> => {
  try {
    const { rows } = await client.query<{ name: string }>(
      `select name from ${pg.escapeIdentifier(schema)}.migrations order by id`,
    );
    return rows.map(({ name }) => name);
  } catch (error) {
    if (NOTHING_THERE.has(failureCode(error) ?? '')) return [];
    throw error;
  }
};
