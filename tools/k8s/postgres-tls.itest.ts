// What components/transport-security asks of Postgres, with a real server that has TLS: the URLs of the migrate job and of the services, as they stand there, are
// encrypted and checked; a server that another authority vouches for is refused before a password is sent.
import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { TEST_CERTIFICATE, TEST_KEY } from '../../libs/bus/src/connection/test-certificate.ts';
import { migrate, missingMigrations, openDatabase, provisionRoles } from '../../libs/postgres/src/index.ts';
import {
  chownForPostgres,
  startPostgres,
  type PostgresServer,
} from '../../libs/testing/src/servers/postgres-server.ts';

let folder: string;
let server: PostgresServer;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-postgres-tls-'));
  await chmod(folder, 0o755);
  await chownForPostgres(folder);
  const dataDir = path.join(folder, 'data');
  server = await startPostgres({
    dataDir,
    password: randomBytes(12).toString('hex'),
    logFile: path.join(folder, 'postgres.log'),
    durable: false,
  });
  const { uid, gid } = await stat(path.join(dataDir, 'PG_VERSION'));
  for (const [name, text] of [
    ['server.crt', TEST_CERTIFICATE],
    ['server.key', TEST_KEY],
  ] as const) {
    await writeFile(path.join(dataDir, name), text, { mode: 0o600 });
    await chown(path.join(dataDir, name), uid, gid);
  }
  await writeFile(path.join(folder, 'ca.crt'), TEST_CERTIFICATE);
  await writeFile(path.join(folder, 'other.crt'), rootCertificates[0] ?? '');
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  await client.query('alter system set ssl = on');
  await client.query('select pg_reload_conf()');
  while ((await client.query<{ ssl: string }>('show ssl')).rows[0]?.ssl !== 'on') await sleep(20);
  await client.end();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const withTls = (user: string, authority = 'ca.crt'): string => {
  const url = new URL(server.adminUrl);
  if (user !== 'postgres') Object.assign(url, { username: user, password: 'p1' });
  url.search = `?sslmode=verify-full&sslrootcert=${path.join(folder, authority)}`;
  return url.href;
};

test('roles, migrations, the gate and the services speak TLS by what their URLs say', async () => {
  const urls = { owner: withTls('tls_owner'), writer: withTls('tls_writer'), reader: withTls('tls_reader') };
  await provisionRoles({ adminUrl: withTls('postgres'), schema: 'billing', urls });
  expect(await migrate({ ownerUrl: urls.owner, schema: 'billing', migrations: [] })).toEqual([]);
  expect(await missingMigrations({ url: urls.reader, schema: 'billing', migrations: [] })).toEqual([]);
  const database = await openDatabase({
    url: urls.reader,
    schema: 'billing',
    applicationName: 'postgres-tls',
    poolMax: 1,
    statementTimeoutMs: 5_000,
  });
  const [row] = await database.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  await database.close();
  expect(row).toEqual({ ssl: true });
}, 30_000);

test('a server that another authority vouches for is refused', async () => {
  const open = openDatabase({
    url: withTls('tls_reader', 'other.crt'),
    schema: 'billing',
    applicationName: 'postgres-tls',
    poolMax: 1,
    statementTimeoutMs: 5_000,
    waitMs: 0,
  });
  await expect(open).rejects.toThrow(/certificate/);
}, 30_000);
