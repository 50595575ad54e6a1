// Postgres and NATS for a data folder: embedded, or those that DATABASE_URL and NATS_URL name.
import pg from 'pg';
import { MIN_NATS_VERSION, isNewEnough, natsInfo } from '../../libs/testing/src/servers/nats-version.ts';
import { startNats } from '../../libs/testing/src/servers/nats-server.ts';
import { postgresFolder } from '../../libs/testing/src/servers/cluster-folder.ts';
import { startPostgres } from '../../libs/testing/src/servers/postgres-server.ts';
import type { Child } from '../../libs/testing/src/servers/child.ts';
import type { DataFolder } from './data-folder.ts';
import { StartFault } from './fault.ts';
import type { Say } from './progress.ts';
import type { Secrets } from './secrets.ts';

/** A server as the rest of the start sees it. Without a child it is somebody else's. */
export interface Server {
  readonly name: 'postgres' | 'nats';
  readonly port: number;
  readonly child: Child | undefined;
}

export interface PostgresPlace extends Server {
  /** Superuser or owner of the database; names the database. */
  readonly adminUrl: string;
}

export interface NatsPlace extends Server {
  readonly url: string;
  /** As which a service connects; undefined where the server has no users. */
  login(service: string): { readonly user: string; readonly password: string } | undefined;
}

const DATABASE = 'waystation';

export async function bringUpPostgres(
  folder: DataFolder,
  secrets: Secrets,
  durable: boolean,
  port?: number,
): Promise<PostgresPlace> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') return givenPostgres(given);
  const server = await startPostgres({
    dataDir: await postgresFolder(folder.path),
    password: secrets.postgresPassword,
    logFile: folder.logFile('postgres'),
    durable,
    ...(port === undefined ? {} : { port }),
  });
  folder.remember('postgres', server.pid);
  try {
    await createDatabase(server.adminUrl);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const url = new URL(server.adminUrl);
  url.pathname = `/${DATABASE}`;
  return { name: 'postgres', adminUrl: url.href, port: server.port, child: server.child };
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0`);
  } finally {
    await client.end();
  }
}

async function givenPostgres(text: string): Promise<PostgresPlace> {
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    throw new StartFault('DATABASE_URL must look like postgres://user:password@host:5432/database');
  }
  const url = new URL(text);
  const client = new pg.Client({ connectionString: text, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const reason =
      error instanceof Error && error.message !== ''
        ? error.message
        : ((error as { code?: string }).code ?? 'no answer');
    throw new StartFault(`Postgres at ${url.host} (DATABASE_URL) cannot be reached: ${reason}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
  return { name: 'postgres', adminUrl: text, port: Number(url.port === '' ? '5432' : url.port), child: undefined };
}

export async function bringUpNats(folder: DataFolder, secrets: Secrets, note: Say, port?: number): Promise<NatsPlace> {
  const given = process.env['NATS_URL'];
  if (given !== undefined && given !== '') return givenNats(given);
  const server = await startNats({
    dataDir: folder.nats,
    logFile: folder.logFile('nats'),
    passwords: secrets.natsPasswords,
    log: note,
    ...(port === undefined ? {} : { port }),
  });
  folder.remember('nats', server.pid);
  return {
    name: 'nats',
    url: server.url,
    port: server.port,
    child: server.child,
    login: (service) => ({ user: service, password: secrets.natsPasswords[service] ?? '' }),
  };
}

async function givenNats(text: string): Promise<NatsPlace> {
  if (!URL.canParse(text) || !/^(nats|tls):$/.test(new URL(text).protocol))
    throw new StartFault('NATS_URL must look like nats://user:password@host:4222');
  const url = new URL(text);
  const info = await natsInfo(text).catch((error: unknown) => {
    throw new StartFault(`${error instanceof Error ? error.message : String(error)} (NATS_URL)`, { cause: error });
  });
  if (!isNewEnough(info.version)) {
    throw new StartFault(
      `NATS at ${url.host} (NATS_URL) is version ${info.version}: Waystation needs ${MIN_NATS_VERSION} or newer`,
    );
  }
  if (!info.jetstream) throw new StartFault(`NATS at ${url.host} (NATS_URL) runs without JetStream: start it with -js`);
  const login =
    url.username === ''
      ? undefined
      : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return {
    name: 'nats',
    url: url.href.replace(/\/$/, ''),
    port: Number(url.port === '' ? '4222' : url.port),
    child: undefined,
    login: () => login,
  };
}
