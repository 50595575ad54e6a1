// Keeps KV equal to Postgres for as long as the process lives. Woken by commits and by the bus coming back; otherwise it looks once a second, since
// another replica may have written.
import { provisionStreams, type Bus } from '@waystation/bus';
import type { Database } from '@waystation/postgres';
import type { AppContext } from '@waystation/runtime';
import { PROJECTED_BUCKETS } from './entities.js';
import { projectBucket, projectOutbox } from './project.js';

const LOOK_EVERY_MS = 1_000;
const RETRY_MS_MAX = 5_000;
const RETRY_MS = 100;

export interface Projector {
  /** Publishes what was committed, soon. */
  wake(): void;
  /** Whether everything that was committed when it was last woken is published. */
  readonly settled: boolean;
  /** What keeps it from publishing, if anything does. */
  readonly fault: string | undefined;
  stop(): Promise<void>;
}

export const startProjector = (
  database: Database,
  bus: Bus,
  { log, scaleMs }: Pick<AppContext<unknown>, 'log' | 'scaleMs'>,
): Projector => {
  let stopped = false;
  /** What may differ from Postgres in more than the outbox says. A bucket that is made equal stays so by the outbox, whoever publishes it: no clash makes it anew. */
  let unequal = new Set(PROJECTED_BUCKETS);
  let fault: string | undefined;
  let retryMs = RETRY_MS;
  let asked = 1;
  let done = 0;
  let interrupt: (() => void) | undefined;

  const wake = (): void => {
    asked += 1;
    interrupt?.();
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (stopped) return resolve();
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  bus.onState((state) => {
    if (state !== 'connected') return;
    // The server may have lost what it held, or missed what we wrote while it was away.
    unequal = new Set(PROJECTED_BUCKETS);
    wake();
  });

  /** False when another replica was at it. */
  const publishUnequal = async (): Promise<boolean> => {
    const left = unequal;
    await provisionStreams(bus, {}, ['buckets']);
    for (const bucket of left) {
      const written = await projectBucket(database, bus, bucket);
      if (written === undefined) return false;
      left.delete(bucket);
      if (written > 0) log.info({ bucket, written }, 'published what differed');
    }
    return true;
  };
  const pass = async (): Promise<boolean> => {
    if (unequal.size > 0 && !(await publishUnequal())) return false;
    for (;;) {
      const more = await projectOutbox(database, bus);
      if (more !== true) return more === false;
    }
  };

  const run = async (): Promise<void> => {
    while (!stopped) {
      const asking = asked;
      try {
        if (await pass()) {
          if (fault !== undefined) log.info({}, 'publishing again');
          [done, fault, retryMs] = [asking, undefined, RETRY_MS];
          if (asked === asking) await pause(scaleMs(LOOK_EVERY_MS));
        } else await pause(scaleMs(RETRY_MS));
      } catch (error) {
        unequal = new Set(PROJECTED_BUCKETS);
        if (fault === undefined) log.warn({ err: error }, 'cannot publish to KV now; trying again until it works');
        fault = error instanceof Error ? error.message : String(error);
        await pause(scaleMs(retryMs));
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
      }
    }
  };
  const running = run();

  return {
    wake,
    get settled() {
      return done === asked;
    },
    get fault() {
      return fault;
    },
    async stop() {
      stopped = true;
      interrupt?.();
      await running;
    },
  };
};
