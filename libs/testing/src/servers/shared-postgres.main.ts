// The process that keeps the tests' shared Postgres: `node shared-postgres.main.ts <folder>`. It ends, and takes everything with it, when no
// client has been connected for a while.
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { testContainers } from './config.ts';
import { chownForPostgres, postmasterPid, startPostgres } from './postgres-server.ts';
import { ALREADY_KEPT } from './shared-postgres.ts';

const IDLE_MS = 45_000;
const LOOK_EVERY_MS = 3_000;

const folder = process.argv[2] ?? '';
const lockFile = path.join(folder, 'keeper.pid');
const urlFile = path.join(folder, 'url');
const log = (line: string): Promise<void> => appendFile(path.join(folder, 'keeper.log'), `${line}\n`);

function takeLock(): boolean {
  for (let round = 0; round < 3; round += 1) {
    try {
      writeSync(openSync(lockFile, 'wx', 0o600), String(process.pid));
      return true;
    } catch {
      const holder = Number(existsSync(lockFile) ? readFileSync(lockFile, 'utf8') : '0');
      if (holder > 0 && alive(holder)) return false;
      rmSync(lockFile, { force: true });
    }
  }
  return false;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Kept {
  readonly url: string;
  stop(): Promise<void>;
}

/** Clusters of a keeper that was killed: their servers live on without it. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('cluster-')) continue;
    const pid = await postmasterPid(path.join(folder, name, 'data'));
    if (pid !== undefined && alive(pid)) process.kill(pid, 'SIGKILL');
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

async function startEmbedded(): Promise<Kept> {
  const home = await mkdtemp(path.join(folder, 'cluster-'));
  await chownForPostgres(home);
  const logFile = path.join(folder, 'postgres.log');
  const server = await startPostgres({
    dataDir: path.join(home, 'data'),
    password: randomBytes(16).toString('hex'),
    logFile,
    durable: false,
  });
  return {
    url: server.adminUrl,
    async stop() {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function startContainer(): Promise<Kept> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const password = randomBytes(16).toString('hex');
  const container = await new GenericContainer('postgres:18')
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withExposedPorts(5432)
    .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  return {
    url: `postgres://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    stop: async () => void (await container.stop()),
  };
}

/** A container where one was asked for and can be had, else the embedded server and a line that says why. */
async function start(): Promise<Kept> {
  if (!testContainers()) return startEmbedded();
  try {
    return await startContainer();
  } catch (error) {
    await log(`skipped containers, none could be started: ${error instanceof Error ? error.message : String(error)}`);
    return startEmbedded();
  }
}

async function connectedClients(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ count: string }>(
      "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    return Number(rows[0]?.count ?? 0);
  } finally {
    await client.end().catch(() => undefined);
  }
}

if (!takeLock()) process.exit(ALREADY_KEPT);
let kept: Kept | undefined;
try {
  await rm(urlFile, { force: true });
  await removeLeftovers();
  kept = await start();
  await writeFile(`${urlFile}.new`, kept.url, { mode: 0o600 });
  await rename(`${urlFile}.new`, urlFile);
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  for (let idleSince = Date.now(); !stopped && Date.now() - idleSince < IDLE_MS; await sleep(LOOK_EVERY_MS)) {
    if ((await connectedClients(kept.url)) > 0) idleSince = Date.now();
  }
} catch (error) {
  await log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
} finally {
  await rm(urlFile, { force: true });
  await kept?.stop();
  rmSync(lockFile, { force: true });
}
