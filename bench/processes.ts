// Starting, finding and measuring the processes of a benchmark. CPU comes from the kernel's own accounting.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadJob, LoadResult } from './load.ts';

const CLOCK_TICKS_PER_SECOND = 100;

/** CPU seconds (user and system) that a process and its threads have used. 0 once it is gone. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** The process and all its descendants: Postgres and nginx work in children. */
export function processTree(root: number): number[] {
  const pids = [root];
  for (let at = 0; at < pids.length; at += 1) {
    try {
      const children = readFileSync(`/proc/${pids[at]}/task/${pids[at]}/children`, 'utf8').trim();
      if (children !== '') pids.push(...children.split(' ').map(Number));
    } catch {
      // it ended meanwhile
    }
  }
  return pids;
}

export const cpuOf = (roots: readonly number[]): number =>
  roots.flatMap(processTree).reduce((total, pid) => total + cpuSeconds(pid), 0);

export const residentMiB = (roots: readonly number[]): number =>
  roots.flatMap(processTree).reduce((total, pid) => {
    try {
      return total + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    } catch {
      return total;
    }
  }, 0);

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function waitForPort(port: number, timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    if (Date.now() > until) throw new Error(`nothing listens on port ${port} after ${timeoutMs} ms`);
    await sleep(100);
  }
}

interface Listening {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

export const startUpstream = (): Promise<Listening> => startListener('upstream.ts');
/** The simulated provider, on a port of its own. Needs the build. */
export const startSandbox = (): Promise<Listening> => startListener('sandbox.ts');

async function startListener(file: string): Promise<Listening> {
  const child = fork(new URL(file, import.meta.url), { stdio: 'inherit' });
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return { port: message.port, pid: child.pid ?? 0, stop: () => child.disconnect() };
}

export function startLoad(): { run(job: LoadJob): Promise<LoadResult>; stop(): void } {
  const child = fork(new URL('load.ts', import.meta.url), { stdio: 'inherit' });
  return {
    run: async (job) => {
      child.send(job);
      const [result] = (await once(child, 'message')) as [LoadResult];
      return result;
    },
    stop: () => child.disconnect(),
  };
}

export function start(command: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await Promise.race([once(child, 'exit'), sleep(5_000)]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
