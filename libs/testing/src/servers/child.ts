// A long-running child process in a process group of its own, so that a Ctrl-C in the terminal reaches only its parent, which then
// stops the children in order. Its output goes to a file; whoever started it can read the last lines back.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly pid: number;
  /** Undefined while it runs. */
  readonly exitCode: number | string | undefined;
  readonly exited: Promise<number | string>;
  /** Asks with the signal, and insists with SIGKILL when the time is over. Resolves when the process is gone. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** The last lines of its output. */
  lastLines(count: number): string;
}

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** Children that must not outlive this process, whatever ends it. */
const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // already gone
    }
  }
});

export async function startChild(command: string, args: readonly string[], options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(command, args, {
    env: options.env,
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = child.pid ?? 0;
  running.add(pid);
  let exitCode: number | string | undefined;
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(pid);
      exitCode = code ?? signal ?? 'unknown';
      resolve(exitCode);
    });
  });
  const send = (signal: NodeJS.Signals): void => {
    if (exitCode === undefined) child.kill(signal);
  };
  return {
    pid,
    exited,
    get exitCode() {
      return exitCode;
    },
    async stop(signal, graceMs) {
      send(signal);
      const timer = new AbortController();
      const late = sleep(graceMs, 'late', { signal: timer.signal }).catch(() => 'gone');
      if ((await Promise.race([exited.then(() => 'gone'), late])) === 'late') send('SIGKILL');
      timer.abort();
      await exited;
    },
    async kill() {
      send('SIGKILL');
      await exited;
    },
    signal: send,
    lastLines: (count) => lastLines(options.logFile, count),
  };
}

export function lastLines(file: string, count: number): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}
