// One running system for all tests of a file.
import { runningSystem, type RunningSystem, type RunningSystemOptions } from '@waystation/testing';

const START_TIMEOUT_MS = 180_000;

/** Registers start and stop with the test file; the system is there inside tests. */
export const useSystem = (
  options: () => Promise<RunningSystemOptions> | RunningSystemOptions = () => ({}),
): (() => RunningSystem) => {
  let system: RunningSystem | undefined;
  beforeAll(async () => {
    system = await runningSystem(await options());
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await system?.stop();
  }, START_TIMEOUT_MS);
  return () => {
    if (system === undefined) throw new Error('the system did not start');
    return system;
  };
};
