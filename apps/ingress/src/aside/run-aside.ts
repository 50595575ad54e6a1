// Work whose time and memory nobody can foresee runs aside: in a process of its own, which is ended when it takes too much of either. Nothing it does stalls the loop. No thread
// would do: where one reaches the end of its heap, the whole process goes with it.
// Invariants: so many processes at once, so many tasks that wait; none sees our environment, and what it prints is thrown away, since it may quote a prompt.
import { fork } from 'node:child_process';
import { ASIDE_EXITS, type AsideJob } from './aside-process.js';

export interface AsideTask extends AsideJob {
  readonly timeoutMs: number;
}

/** Why a task has no result. */
export type AsideFailure = 'time' | 'memory' | 'crash' | 'busy';
export type AsideEnd = { readonly result: unknown } | { readonly failure: AsideFailure };

export interface Aside {
  run(task: AsideTask): Promise<AsideEnd>;
}

const PROCESSES_MAX = 2;
const WAITING_MAX = 32;

/** A module beside the one that asks, as it is run: built, or as its source. */
export const moduleBeside = (url: string, name: string): string =>
  new URL(`./${name}${/\.[jt]s$/.exec(url)?.[0] ?? '.js'}`, url).href;

const PROCESS = new URL(moduleBeside(import.meta.url, 'aside-process'));

const runOne = ({ timeoutMs, ...job }: AsideTask): Promise<AsideEnd> =>
  new Promise((resolve) => {
    const child = fork(PROCESS, {
      serialization: 'advanced',
      execArgv: [],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let end: AsideEnd = { failure: 'crash' };
    const tooLong = setTimeout(() => {
      end = { failure: 'time' };
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('message', (result: unknown) => {
      end = { result };
      child.kill('SIGKILL');
    });
    // Where it could not be begun there is no exit.
    child.once('error', () => over());
    child.once('exit', (code, signal) => {
      // V8 ends a process that way whose heap is full.
      const isFull = code === ASIDE_EXITS.memory || signal === 'SIGABRT' || signal === 'SIGTRAP';
      if (isFull && 'failure' in end) end = { failure: 'memory' };
      over();
    });
    const over = (): void => {
      clearTimeout(tooLong);
      resolve(end);
    };
    child.send(job, (error) => {
      if (error !== null) child.kill('SIGKILL');
    });
  });

export const createAside = (): Aside => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(task) {
      if (running >= PROCESSES_MAX) {
        if (waiting.length >= WAITING_MAX) return { failure: 'busy' };
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running += 1;
      try {
        return await runOne(task);
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
};
