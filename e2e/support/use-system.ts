// One running system for all tests of a file.
import { runningSystem, type RunningSystem, type RunningSystemOptions } from '@waystation/testing';
import { complete, say } from './ask.ts';
import { until } from './wait.ts';

const START_TIMEOUT_MS = 180_000;

const WARM_WITHIN_MS = 20_000;

/** With times divided by ten, the first call of a process that has not run yet can take longer than a worker is given to accept it. */
export const warmUp = (system: RunningSystem): Promise<true> =>
  until('it serves', WARM_WITHIN_MS, async () =>
    (await complete(system, say('warm up'))).status === 200 ? true : undefined,
  );

/** Registers start and stop with the test file; the system is there, and warm, inside tests. */
export const useSystem = (
  options: () => Promise<RunningSystemOptions> | RunningSystemOptions = () => ({}),
): (() => RunningSystem) => {
  let system: RunningSystem | undefined;
  beforeAll(async () => {
    system = await runningSystem(await options());
    await warmUp(system);
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await system?.stop();
  }, START_TIMEOUT_MS);
  return () => {
    if (system === undefined) throw new Error('the system did not start');
    return system;
  };
};
