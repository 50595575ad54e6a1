// Migrations, by the owner role. An advisory lock on the schema makes two runs take turns; each migration commits alone and a second run finds nothing to do.
import pg from 'pg';
import { DataSource, type Logger, type MigrationInterface } from 'typeorm';
import { describeTarget, reasonOf } from './failures.js';
import type { ServiceSchema } from './postgres.js';

export interface MigrateOptions {
  readonly ownerUrl: string;
  readonly schema: ServiceSchema;
  /** In order. TypeORM wants each class name to end in 13 digits (Unix ms), which is also its order. */
  readonly migrations: readonly (new () => MigrationInterface)[];
  /** How long another run may hold the lock, default 60 s. */
  readonly lockWaitMs?: number;
}

/** What goes wrong is thrown and logged once, by the caller. */
const silence = (): void => undefined;
const SILENT: Logger = {
  logQuery: silence,
  logQueryError: silence,
  logQuerySlow: silence,
  logSchemaBuild: silence,
  logMigration: silence,
  log: silence,
};

const LOCK_WAIT_MS = 60_000;

/** Names of the migrations that this run executed. */
export const migrate = async ({
  ownerUrl,
  schema,
  migrations,
  lockWaitMs = LOCK_WAIT_MS,
}: MigrateOptions): Promise<string[]> => {
  const target = describeTarget(ownerUrl);
  const guard = new pg.Client({ connectionString: ownerUrl, application_name: `waystation-migrate-${schema}` });
  // A server that goes away is told by the statement that fails; without a handler the event would end the process.
  guard.on('error', () => undefined);
  try {
    await guard.connect();
    await guard.query(`select set_config('lock_timeout', $1, false)`, [`${lockWaitMs}ms`]);
    await guard.query(`select pg_advisory_lock(hashtextextended($1, 0))`, [`waystation.migrate.${schema}`]);
    await createSchemaIfMissing(guard, schema);
    return await runMigrations(ownerUrl, schema, migrations);
  } catch (error) {
    throw new Error(`migrations of schema ${schema} failed at ${target}: ${reasonOf(error)}`, { cause: error });
  } finally {
    // Closing the session gives the lock back.
    await guard.end().catch(() => undefined);
  }
};

const createSchemaIfMissing = async (client: pg.Client, schema: ServiceSchema): Promise<void> => {
  const { rows } = await client.query<{ missing: boolean }>('select to_regnamespace($1) is null as missing', [schema]);
  if (rows[0]?.missing === true) await client.query(`create schema ${pg.escapeIdentifier(schema)}`);
};

const runMigrations = async (
  url: string,
  schema: ServiceSchema,
  migrations: MigrateOptions['migrations'],
): Promise<string[]> => {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    schema,
    applicationName: `waystation-migrate-${schema}`,
    poolSize: 2,
    poolErrorHandler: () => undefined,
    logger: SILENT,
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    extra: { options: `-c search_path=${schema}` },
  });
  await dataSource.initialize();
  try {
    return (await dataSource.runMigrations({ transaction: 'each' })).map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
};
