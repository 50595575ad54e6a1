// The gate of a roll-out, as it runs: a process that waits while the database is older than it, and ends when the migrate command has run. Reads the build.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import pg from 'pg';
import { postgresDatabase, type TestDatabase } from '../../libs/testing/src/postgres-database.ts';

const run = promisify(execFile);
const suffix = randomBytes(4).toString('hex');
const SCHEMAS = ['billing', 'logging', 'control'];
const ROLES = ['owner', 'writer', 'reader'];
const roleNames = SCHEMAS.flatMap((schema) => ROLES.map((role) => `${schema}_${role}_${suffix}`));

let database: TestDatabase;
const urls = (roles: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    SCHEMAS.flatMap((schema) =>
      roles.map((role) => {
        const url = new URL(database.adminUrl);
        url.username = `${schema}_${role}_${suffix}`;
        url.password = 'p1';
        return [`WAYSTATION_${schema}_${role}_URL`.toUpperCase(), url.href];
      }),
    ),
  );

beforeAll(async () => {
  database = await postgresDatabase();
}, 120_000);
afterAll(async () => {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  for (const role of roleNames) await client.query(`drop owned by ${role} cascade`);
  for (const role of roleNames) await client.query(`drop role ${role}`);
  await client.end();
  await database.drop();
});

test('it waits while roles and migrations are not there, and ends when the migrate command has run', async () => {
  const waiting = spawn(process.execPath, ['apps/fused/dist/await-schema.main.js'], { env: urls(['reader']) });
  let said = '';
  waiting.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  // Not at its exit: what it said last may be read after that.
  const ended = once(waiting, 'close');
  try {
    while (!said.includes('\n')) await Promise.race([once(waiting.stdout, 'data'), ended]);
    expect(said).toContain('billing: waiting for the database: ');
    expect(said).not.toContain('p1');
    expect(waiting.exitCode).toBeNull();

    await run(process.execPath, ['apps/fused/dist/migrate.main.js'], {
      env: { ...urls(ROLES), WAYSTATION_POSTGRES_ADMIN_URL: database.adminUrl },
    });
    expect((await ended)[0]).toBe(0);
  } finally {
    waiting.kill();
  }
  expect(said.split('\n').filter((line) => line.endsWith('as new as this release'))).toEqual(
    SCHEMAS.map((schema) => `${schema}: as new as this release`),
  );
}, 150_000);

test('without a schema to wait for it says what it needs', async () => {
  await expect(run(process.execPath, ['apps/fused/dist/await-schema.main.js'], { env: {} })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('WAYSTATION_BILLING_READER_URL'),
  });
});
