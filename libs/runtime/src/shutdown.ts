// Ordered shutdown: one list of named steps, run once, each told how long it may take. Whatever happens, the process ends within the grace,
// and a line says which step did not.
import { setImmediate as afterThisTurn } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface ShutdownStep {
  readonly name: string;
  run(remainingMs: number): Promise<void> | void;
}

export interface ShutdownOptions {
  readonly graceMs: number;
  readonly log: Logger;
  /** In order; read when shutdown begins, so that a process that is still booting ends what it has. */
  steps(): readonly ShutdownStep[];
  /** Aborted when running work must end: `RESERVE` of the grace is left then. */
  readonly endNow: AbortController;
  exit(code: number): void;
}

/** Part of the grace that is kept for ending streams, flushing the journal and closing connections. */
const RESERVE = 0.3;

export interface Shutdown {
  readonly started: boolean;
  /** Idempotent: a second signal changes nothing. */
  begin(reason: string): Promise<void>;
}

export const createShutdown = (options: ShutdownOptions): Shutdown => {
  const { graceMs, log, endNow, exit } = options;
  let running: Promise<void> | undefined;
  let current = 'nothing';

  const runSteps = async (endsAt: number): Promise<number> => {
    let code = 0;
    for (const step of options.steps()) {
      current = step.name;
      try {
        await step.run(Math.max(0, endsAt - performance.now()));
      } catch (error) {
        log.error({ err: error, step: step.name }, 'a step of the shutdown failed');
        code = 1;
      }
      // What a step left for the end of its turn (last answers, last frames) goes out before the next one closes what carries it.
      await afterThisTurn();
    }
    return code;
  };

  const end = async (reason: string): Promise<void> => {
    log.info({ reason, graceMs }, 'shutting down');
    const soft = setTimeout(() => endNow.abort(), graceMs * (1 - RESERVE));
    const hard = setTimeout(() => {
      log.error(
        { step: current, graceMs },
        `shutdown took longer than WAYSTATION_SHUTDOWN_GRACE_MS; giving up during: ${current}`,
      );
      exit(1);
    }, graceMs);
    const code = await runSteps(performance.now() + graceMs);
    clearTimeout(soft);
    clearTimeout(hard);
    log.info('stopped');
    exit(code);
  };

  return {
    get started() {
      return running !== undefined;
    },
    begin(reason) {
      running ??= end(reason);
      return running;
    },
  };
};
