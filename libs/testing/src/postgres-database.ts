// A fresh database for one test file, in the Postgres that WAYSTATION_TEST_POSTGRES_URL names or in one that all test files of the machine's
// user share: it is started by the first that asks and ends by itself when nobody has been connected for a while.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { testPostgresUrl } from './servers/config.ts';
import { sharedPostgresUrl } from './servers/shared-postgres.ts';

export interface TestDatabase {
  /** Superuser, in the new database. */
  readonly adminUrl: string;
  drop(): Promise<void>;
}

export async function postgresDatabase(): Promise<TestDatabase> {
  const server = testPostgresUrl() ?? (await sharedPostgresUrl());
  const name = `test_${randomBytes(8).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    adminUrl: url.href,
    drop: () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
