// Against a real Postgres: a database is as new as the code, older, newer, or not there at all.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { postgresDatabase, type TestDatabase } from '@waystation/testing';
import { migrate, missingMigrations, provisionRoles, type DatabaseRole } from './index.js';

const making = (table: string) => async (runner: QueryRunner) =>
  void (await runner.query(`create table ${table} (id text primary key)`));
const never = (): Promise<void> => Promise.reject(new Error('forward only'));

class First1700000000001 implements MigrationInterface {
  up = making('first');
  down = never;
}
class Second1700000000002 implements MigrationInterface {
  up = making('second');
  down = never;
}

const suffix = randomBytes(4).toString('hex');
let database: TestDatabase;
const roleUrl = (role: DatabaseRole): string => {
  const url = new URL(database.adminUrl);
  url.username = `logging_${role}_${suffix}`;
  url.password = role;
  return url.href;
};
const missing = (url: string) =>
  missingMigrations({ url, schema: 'logging', migrations: [First1700000000001, Second1700000000002] });

beforeAll(async () => {
  database = await postgresDatabase();
}, 120_000);
afterAll(async () => {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  for (const role of ['owner', 'writer', 'reader'])
    await client.query(`drop owned by logging_${role}_${suffix} cascade; drop role logging_${role}_${suffix}`);
  await client.end();
  await database.drop();
});

test('a reader sees what is missing, in order, until the last migration ran; a newer database lacks nothing', async () => {
  expect(await missing(database.adminUrl)).toEqual(['First1700000000001', 'Second1700000000002']);
  await expect(missing(roleUrl('reader'))).rejects.toThrow(/authentication failed|does not exist/);

  const urls = { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'logging', urls });
  expect(await missing(urls.reader)).toEqual(['First1700000000001', 'Second1700000000002']);

  await migrate({ ownerUrl: urls.owner, schema: 'logging', migrations: [First1700000000001] });
  expect(await missing(urls.reader)).toEqual(['Second1700000000002']);
  expect(await missing(urls.writer)).toEqual(['Second1700000000002']);

  await migrate({ ownerUrl: urls.owner, schema: 'logging', migrations: [First1700000000001, Second1700000000002] });
  expect(await missing(urls.reader)).toEqual([]);
  expect(await missingMigrations({ url: urls.reader, schema: 'logging', migrations: [First1700000000001] })).toEqual(
    [],
  );
});
