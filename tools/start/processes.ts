// Knowing a process again: a pid together with the moment it began, so that a number the kernel has given to somebody else is never signalled.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessMark {
  readonly name: string;
  readonly pid: number;
  /** Opaque; undefined where the system does not tell. */
  readonly began?: string;
}

export function markOf(name: string, pid: number): ProcessMark {
  const began = beganAt(pid);
  return { name, pid, ...(began === undefined ? {} : { began }) };
}

/** Whether that very process still runs. */
export function runs(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPERM') return false;
  }
  const began = beganAt(mark.pid);
  return began !== undefined && (mark.began === undefined || mark.began === began);
}

function beganAt(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, in brackets, may hold spaces; what follows it is state (a zombie runs no more) … start time.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Asks with the signal, insists with SIGKILL. True when it is gone. */
export async function endProcess(mark: ProcessMark, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  for (const [each, patienceMs] of [[signal, graceMs] as const, ['SIGKILL', 5_000] as const]) {
    if (!runs(mark)) return true;
    try {
      process.kill(mark.pid, each);
    } catch {
      return !runs(mark);
    }
    for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(50)) if (!runs(mark)) return true;
  }
  return !runs(mark);
}
