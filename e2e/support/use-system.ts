// One running system for all tests of a file.
import { runningSystem, type RunningSystem, type RunningSystemOptions } from '@waystation/testing';
import { complete, say } from './ask.ts';
import { asOperator } from './operator.ts';
import { until } from './wait.ts';

const START_TIMEOUT_MS = 180_000;

const WARM_WITHIN_MS = 20_000;

/**
 * Tried until it works: with times divided by ten, the first call of a process that has not run yet can take longer than a worker is given to accept it.
 * What it cost is booked when this resolves, so that nothing of it falls into the accounts of a test.
 */
export const warmUp = async (system: RunningSystem): Promise<void> => {
  const tried: string[] = [];
  await until('it serves', WARM_WITHIN_MS, async () => {
    const { status, headers } = await complete(system, say('warm up'));
    tried.push(headers.get('x-generation-id') ?? '');
    return status === 200 ? true : undefined;
  });
  await asOperator(system, (operator) =>
    until('the warm-up is booked', WARM_WITHIN_MS, async () => {
      const recorded = new Set((await operator.generations()).map((record) => record.generationId));
      const last = tried.at(-1) ?? '';
      return recorded.has(last) && (await operator.charges(last)).length > 0 ? true : undefined;
    }),
  );
};

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
