// The data folder: ours alone (0700), used by one running system at a time, and where everything that must survive lies.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { StartFault } from './fault.ts';
import { endProcess, markOf, runs } from './processes.ts';
import type { ProcessMark } from './processes.ts';

const FREE_BYTES_MIN = 192 * 1024 * 1024;

export interface DataFolder {
  readonly path: string;
  readonly logs: string;
  readonly nats: string;
  readonly runFile: string;
  readonly secretsFile: string;
  /** `waystation.yaml`, if the operator put one there. */
  readonly configFile: string | undefined;
  /** Remembers a process that must not outlive this system. */
  remember(name: string, pid: number): void;
  forget(pid: number): void;
  logFile(name: string): string;
  /** Gives the folder free for the next start. */
  release(): void;
}

interface Lock {
  readonly supervisor: ProcessMark;
  readonly children: readonly ProcessMark[];
}

export const lockFileOf = (dataDir: string): string => path.join(dataDir, 'supervisor.json');

export function readLock(dataDir: string): Lock | undefined {
  try {
    return JSON.parse(readFileSync(lockFileOf(dataDir), 'utf8')) as Lock;
  } catch {
    return undefined;
  }
}

export async function openDataFolder(dataDir: string, say: (line: string) => void): Promise<DataFolder> {
  prepare(dataDir);
  await refuseWhenFull(dataDir);
  const lockFile = lockFileOf(dataDir);
  await takeOver(dataDir, say);

  let children: ProcessMark[] = [];
  const supervisor = markOf('supervisor', process.pid);
  const write = (flag: 'w' | 'wx'): void => {
    const text = JSON.stringify({ supervisor, children } satisfies Lock);
    if (flag === 'wx') return writeFileSync(lockFile, text, { flag, mode: 0o600 });
    writeFileSync(`${lockFile}.new`, text, { mode: 0o600 });
    renameSync(`${lockFile}.new`, lockFile);
  };
  try {
    write('wx');
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') throw inUse(dataDir, readLock(dataDir)?.supervisor.pid);
    throw error;
  }
  const logs = path.join(dataDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const configFile = path.join(dataDir, 'waystation.yaml');
  return {
    path: dataDir,
    logs,
    nats: path.join(dataDir, 'nats'),
    runFile: path.join(dataDir, 'run.json'),
    secretsFile: path.join(dataDir, 'secrets.json'),
    configFile: existsSync(configFile) ? configFile : undefined,
    remember(name, pid) {
      children = [...children, markOf(name, pid)];
      write('w');
    },
    forget(pid) {
      children = children.filter((child) => child.pid !== pid);
      try {
        write('w');
      } catch {
        // A full disk must not stand in the way of ending; the mark of a process that is gone matches no other.
      }
    },
    logFile: (name) => path.join(logs, `${name}.log`),
    release() {
      rmSync(path.join(dataDir, 'run.json'), { force: true });
      rmSync(lockFile, { force: true });
    },
  };
}

function prepare(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (!statSync(dataDir).isDirectory())
      throw new StartFault(`${dataDir} is not a folder: choose another with --data-dir`);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new StartFault(`${dataDir} is not a folder: choose another with --data-dir`);
    if (code === 'EACCES' || code === 'EROFS')
      throw new StartFault(`${dataDir} cannot be written: choose another folder with --data-dir`);
    throw error;
  }
}

async function refuseWhenFull(dataDir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize >= FREE_BYTES_MIN) return;
  throw new StartFault(
    `the disk of ${dataDir} is full (${Math.floor((bavail * bsize) / 2 ** 20)} MiB free, ${FREE_BYTES_MIN / 2 ** 20} needed): ` +
      'free some space, or choose another folder with --data-dir',
  );
}

/** A folder left by a system that was killed is cleaned of its processes; one that is in use is refused. */
async function takeOver(dataDir: string, say: (line: string) => void): Promise<void> {
  const lock = readLock(dataDir);
  if (lock === undefined) return;
  if (runs(lock.supervisor)) throw inUse(dataDir, lock.supervisor.pid);
  await endLeftovers(lock, say);
  rmSync(lockFileOf(dataDir), { force: true });
}

/** Services first, then what they stand on: the order in which they were started, backwards. */
export async function endLeftovers(lock: Lock, say: (line: string) => void): Promise<void> {
  for (const child of [...lock.children].reverse()) {
    if (!runs(child)) continue;
    say(`ending ${child.name} (pid ${child.pid}), left over from a system that was killed`);
    await endProcess(child, child.name === 'postgres' ? 'SIGINT' : 'SIGTERM', 10_000);
  }
}

const inUse = (dataDir: string, pid: number | undefined): StartFault =>
  new StartFault(
    `${dataDir} is in use by a running system (pid ${pid ?? 'unknown'}): npm stop it first, or choose another folder with --data-dir`,
  );
