// An embedded Postgres on a loopback port with a random password, durable unless told otherwise. Never runs as root.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { lastLines, startChild } from './child.ts';
import type { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { UNPRIVILEGED, isRoot } from './paths.ts';
import { postgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 60_000;

export interface PostgresServerOptions {
  /** The cluster's folder, made if missing. As root it must lie where `nobody` may enter. */
  readonly dataDir: string;
  readonly password: string;
  readonly logFile: string;
  readonly port?: number;
  /** False: fsync off, for tests that throw the data away. */
  readonly durable?: boolean;
  /** Where a new cluster keeps its WAL, if not inside of its folder: as a second disk would. Empty or missing, and absolute. */
  readonly walDir?: string;
  /** Over our own. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  /** Superuser `postgres`, database `postgres`. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly child: Child;
  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. */
  stop(): Promise<void>;
}

export async function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  const binaries = await postgresBinaries();
  const user = isRoot ? UNPRIVILEGED : {};
  if (!existsSync(path.join(options.dataDir, 'PG_VERSION'))) await createCluster(binaries.initdb, options);

  const port = options.port ?? (await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    log_min_messages: 'warning',
    ...(options.durable === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
  const child = await startChild(
    binaries.postgres,
    ['-D', options.dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, logFile: options.logFile, cwd: '/', ...user },
  );
  const adminUrl = `postgres://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${port}/postgres`;
  try {
    await waitUntilReady(adminUrl, child, options.logFile);
  } catch (error) {
    await child.stop('SIGINT', 10_000);
    throw error;
  }
  return { adminUrl, port, pid: child.pid, child, stop: () => child.stop('SIGINT', 30_000) };
}

async function createCluster(initdb: string, options: PostgresServerOptions): Promise<void> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  await chmod(options.dataDir, 0o700);
  // initdb reads the password from a file that its own user can open.
  const secret = await mkdtemp(path.join(tmpdir(), 'waystation-initdb-'));
  const passwordFile = path.join(secret, 'password');
  await writeFile(passwordFile, options.password, { mode: 0o600 });
  for (const each of [options.dataDir, secret, passwordFile]) await chownForPostgres(each);
  try {
    await run(
      initdb,
      [
        ...['-D', options.dataDir, '-U', 'postgres', '-E', 'UTF8', '--no-locale'],
        ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`],
        ...(options.durable === false ? ['--no-sync'] : []),
        ...(options.walDir === undefined ? [] : [`--waldir=${options.walDir}`]),
      ],
      { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, cwd: '/', ...(isRoot ? UNPRIVILEGED : {}) },
    );
  } catch (error) {
    rmSync(options.dataDir, { recursive: true, force: true });
    const output = (error as { stderr?: string }).stderr?.trim() ?? '';
    writeFileSync(options.logFile, `${output}\n`, { flag: 'a', mode: 0o600 });
    const reason = output.split('\n').findLast((line) => /error|could not|cannot/i.test(line)) ?? String(error);
    throw new Error(`Postgres could not make its data folder ${options.dataDir}: ${reason.trim()}`, { cause: error });
  } finally {
    await rm(secret, { recursive: true, force: true });
  }
}

async function waitUntilReady(adminUrl: string, child: Child, logFile: string): Promise<void> {
  for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await sleep(50)) {
    if (child.exitCode !== undefined) {
      throw new Error(`Postgres ended while starting (${child.exitCode}): ${whyItEnded(logFile)}`);
    }
    const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === '28P01') {
        throw new Error('Postgres refuses the password in secrets.json: it belongs to another data folder', {
          cause: error,
        });
      }
      if (Date.now() > deadline) {
        throw new Error(`Postgres was not ready within ${READY_TIMEOUT_MS / 1000} s; see ${logFile}`, { cause: error });
      }
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Gives a file or folder to the user that Postgres runs as: as root `nobody`, otherwise ourselves already. */
export async function chownForPostgres(target: string): Promise<void> {
  if (isRoot) await chown(target, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
}

const whyItEnded = (logFile: string): string =>
  lastLines(logFile, 20)
    .split('\n')
    .findLast((line) => /FATAL|PANIC|ERROR/.test(line)) ?? lastLines(logFile, 3);

/** The process that a cluster's own pid file names, if that file is there. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
