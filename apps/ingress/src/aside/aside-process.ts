// The process that work runs in: the work itself in a thread, and beside it somebody who watches how much memory both take. It imports none of our modules, so that it starts
// quickly, and so that it runs as source, too.
import { Worker } from 'node:worker_threads';

export interface AsideJob {
  /** URL of a module that works on `workerData` and posts one message. */
  readonly module: string;
  readonly data: unknown;
  /** Of the whole process. */
  readonly bytesMax: number;
}

export const ASIDE_EXITS = { crash: 1, memory: 3 } as const;

/** A thread whose heap is full ends alone, and says so. */
export const exitOf = (error: NodeJS.ErrnoException): number =>
  error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? ASIDE_EXITS.memory : ASIDE_EXITS.crash;

const LOOK_MS = 25;
const MEBIBYTE = 1024 * 1024;

const work = ({ module, data, bytesMax }: AsideJob): void => {
  const thread = new Worker(new URL(module), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(bytesMax / MEBIBYTE) },
  });
  setInterval(() => {
    if (process.memoryUsage.rss() > bytesMax) process.exit(ASIDE_EXITS.memory);
  }, LOOK_MS);
  let isTold = false;
  thread.once('message', (result: unknown) => {
    isTold = true;
    process.send?.(result);
  });
  thread.once('error', (error) => process.exit(exitOf(error)));
  // Its message may come behind it. One that did come is on its way until whoever asked has read it, and ends us.
  thread.once('exit', () => setTimeout(() => isTold || process.exit(ASIDE_EXITS.crash), 1_000));
};

if (process.send !== undefined && process.argv[1]?.includes('aside-process') === true) {
  process.once('message', work);
  process.once('disconnect', () => process.exit(ASIDE_EXITS.crash));
}
