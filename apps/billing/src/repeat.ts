// Work that is done again and again, one run at a time: a run that takes longer than the interval is not overtaken.
import type { AppContext } from '@waystation/runtime';

const EVERY_MS_MIN = 50;

export interface Repetition {
  /** Resolves when the run that is under way has ended. */
  stop(): Promise<void>;
}

/** The first run is after `everyMs`. A run that fails is tried again at the next turn; an outage is one line, whatever number of runs it takes. */
export const repeat = (
  everyMs: number,
  work: () => Promise<unknown>,
  log: Pick<AppContext<unknown>['log'], 'warn'>,
  whenItFails: string,
): Repetition => {
  let running: Promise<void> | undefined;
  let failing = false;
  const run = async (): Promise<void> => {
    try {
      await work();
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ err: error }, whenItFails);
      failing = true;
    }
  };
  const timer = setInterval(
    () => {
      running ??= run().finally(() => (running = undefined));
    },
    Math.max(EVERY_MS_MIN, everyMs),
  );
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
};
