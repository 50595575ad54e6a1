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
  thread.once('message', (result: unknown) => process.send?.(result));
  thread.once('error', () => process.exit(ASIDE_EXITS.crash));
  // Its message may come behind it.
  thread.once('exit', () => setTimeout(() => process.exit(ASIDE_EXITS.crash), 1_000));
};

if (process.send !== undefined && process.argv[1]?.includes('aside-process') === true) {
  process.once('message', work);
  process.once('disconnect', () => process.exit(ASIDE_EXITS.crash));
}
