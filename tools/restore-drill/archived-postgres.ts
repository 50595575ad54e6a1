// A durable Postgres that archives its WAL, its base backup, and the restore of both: what docs/guides/back-up-and-restore.md says by hand. There is no pg_basebackup in
// the embedded package, so the low-level functions and a copy of the files do its work.
import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { chownForPostgres, startPostgres } from '../../libs/testing/src/servers/postgres-server.ts';
import type { PostgresServer } from '../../libs/testing/src/servers/postgres-server.ts';

/** The disks of a site. `archive` and `base` are elsewhere; `wal` may be a disk of its own. */
export interface Disks {
  readonly data: string;
  readonly wal: string;
  readonly archive: string;
  readonly base: string;
  readonly logFile: string;
}

/** Until when history is played again; the end of what is there unless said. */
export interface Target {
  /** A restore point, as `pg_create_restore_point` named it. */
  readonly name?: string;
}

/** What a running server has in its folder and a copy must not have. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts']);
/** The folder stays, what is in it belongs to the moment. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const RECOVERY_MS_MAX = 120_000;
const ARCHIVED_MS_MAX = 60_000;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export const makeDisks = async (home: string): Promise<Disks> => {
  // As root Postgres runs as `nobody`, who must get through.
  await chmod(home, 0o711);
  const disks = {
    data: path.join(home, 'data', 'cluster'),
    wal: path.join(home, 'wal', 'cluster'),
    archive: path.join(home, 'archive'),
    base: path.join(home, 'base'),
  };
  for (const folder of [path.dirname(disks.data), path.dirname(disks.wal), disks.archive, disks.base]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chownForPostgres(folder);
  }
  return { ...disks, logFile: path.join(home, 'postgres.log') };
};

/** A segment is in the archive whole or not at all, and one that is there is never overwritten. */
const archiving = ({ archive }: Disks): Record<string, string> => ({
  wal_level: 'replica',
  archive_mode: 'on',
  archive_command: `test ! -f ${quoted(archive)}/%f && cp %p ${quoted(archive)}/%f.part && mv ${quoted(archive)}/%f.part ${quoted(archive)}/%f`,
  // A drill says itself when a segment is full.
  archive_timeout: '0',
});

export const startArchived = (disks: Disks, password: string, port?: number): Promise<PostgresServer> =>
  startPostgres({
    ...{ dataDir: disks.data, walDir: disks.wal, logFile: disks.logFile, password, settings: archiving(disks) },
    ...(port === undefined ? {} : { port }),
  });

export const asAdmin = async <Answer>(
  adminUrl: string,
  work: (client: pg.Client) => Promise<Answer>,
): Promise<Answer> => {
  const client = new pg.Client({ connectionString: adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

/** Between start and stop, in one session, all that changes is written to WAL in full pages: a torn copy is mended by it. */
export const takeBaseBackup = (adminUrl: string, disks: Disks): Promise<void> =>
  asAdmin(adminUrl, async (client) => {
    await client.query(`select pg_backup_start('waystation', true)`);
    await copyTree(disks.data, disks.base, true);
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(true)');
    await writeFile(path.join(disks.base, 'backup_label'), rows[0]?.labelfile ?? '', { mode: 0o600 });
  });

/** The segment that is being written, closed and archived: all that was committed until now is in the archive then. */
export const archiveNow = (adminUrl: string): Promise<void> =>
  asAdmin(adminUrl, async (client) => {
    const { rows } = await client.query<{ segment: string }>('select pg_walfile_name(pg_switch_wal()) as segment');
    const wanted = rows[0]?.segment ?? '';
    for (const deadline = Date.now() + ARCHIVED_MS_MAX; ; await sleep(100)) {
      const archived = await client.query<{ last: string | null }>(
        'select last_archived_wal as last from pg_stat_archiver',
      );
      if ((archived.rows[0]?.last ?? '') >= wanted) return;
      if (Date.now() > deadline)
        throw new Error(
          `segment ${wanted} is not in the archive after ${ARCHIVED_MS_MAX / 1000} s: see the server's log`,
        );
    }
  });

/** A new cluster out of base backup, archive and, where its disk is still there, the WAL that nobody archived. Serves when all of it is played. */
export const restore = async (
  disks: Disks,
  password: string,
  port: number,
  target: Target = {},
): Promise<PostgresServer> => {
  await mkdir(disks.data, { recursive: true, mode: 0o700 });
  await chownForPostgres(disks.data);
  await copyTree(disks.base, disks.data, false);
  // An ordinary folder: what is left on the WAL's own disk is read, never written.
  await copySurviving(disks.wal, path.join(disks.data, 'pg_wal'));
  const signal = path.join(disks.data, 'recovery.signal');
  await writeFile(signal, '', { mode: 0o600 });
  await chownForPostgres(signal);
  const server = await startPostgres({
    ...{ dataDir: disks.data, logFile: disks.logFile, password, port },
    settings: {
      ...archiving(disks),
      restore_command: `cp ${quoted(disks.archive)}/%f %p`,
      recovery_target_action: 'promote',
      ...(target.name === undefined ? {} : { recovery_target_name: target.name }),
    },
  });
  try {
    await promoted(server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
};

const promoted = (server: PostgresServer): Promise<void> =>
  asAdmin(server.adminUrl, async (client) => {
    for (const deadline = Date.now() + RECOVERY_MS_MAX; ; await sleep(100)) {
      const { rows } = await client.query<{ playing: boolean }>('select pg_is_in_recovery() as playing');
      if (rows[0]?.playing === false) return;
      if (Date.now() > deadline)
        throw new Error(`the restored Postgres still plays WAL after ${RECOVERY_MS_MAX / 1000} s`);
    }
  });

/** Of a running server: a file that went away meanwhile is not missed, for WAL says so too. */
async function copyTree(from: string, to: string, running: boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (running && LEFT_OUT.has(entry.name)) continue;
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    try {
      if (entry.isDirectory() || entry.isSymbolicLink()) {
        await mkdir(target, { mode: 0o700 });
        await chownForPostgres(target);
        if (!running || !EMPTIED.has(entry.name)) await copyTree(source, target, running);
      } else {
        await copyFile(source, target);
        await chownForPostgres(target);
      }
    } catch (error) {
      if (!running || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function copySurviving(from: string, to: string): Promise<void> {
  const names = await readdir(from).catch(() => []);
  for (const name of names.filter((each) => /^[0-9A-F]{24}$/.test(each))) {
    await copyFile(path.join(from, name), path.join(to, name));
    await chownForPostgres(path.join(to, name));
  }
}

/** The disk is gone: nobody is asked, nothing is written back. */
export const loseDisk = async (server: PostgresServer, ...folders: readonly string[]): Promise<void> => {
  await server.child.kill();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
};

/** Segments that are in the archive. */
export const archivedSegments = async ({ archive }: Disks): Promise<number> =>
  (await readdir(archive)).filter((name) => /^[0-9A-F]{24}$/.test(name)).length;
