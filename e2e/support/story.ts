// A test with a seed. What it does at random follows from the seed alone; when it fails it says which, how to run it again, and what the services complained of.
import { seedOfEnvironment, shapeOfEnvironment, timeScaleOfEnvironment } from '../config.ts';
import type { RunningSystem } from '@waystation/testing';

export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  /** Whole, from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** mulberry32 */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    whole,
    pick: (items) => {
      const item = items[whole(0, items.length - 1)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
  };
};

const COMPLAINTS_MAX = 15;
const TIMEOUT_MS = 90_000;
/** Added for tests that wait for time constants, the longest of which is the deadline of a generation. */
const CONSTANTS_MS = 700_000;

const complaintsOf = async (system: RunningSystem): Promise<string> => {
  const lines: string[] = [];
  for (const name of system.processes) {
    const log = await system.logs(name).catch(() => '');
    for (const line of log.split('\n')) {
      if (/"level":(?:50|60|"error"|"fatal")/.test(line)) lines.push(`${name}: ${line.slice(0, 600)}`);
    }
  }
  return lines.slice(-COMPLAINTS_MAX).join('\n') || '(none)';
};

export const story = (name: string, system: () => RunningSystem, tell: (random: Random) => Promise<void>): void => {
  const seed = seedOfEnvironment() ?? Math.floor(Math.random() * 2 ** 31);
  test(
    name,
    async () => {
      try {
        await tell(randomOf(seed));
      } catch (error) {
        const [shape, scale] = [shapeOfEnvironment(), timeScaleOfEnvironment()];
        const { currentTestName } = expect.getState();
        const repeat =
          `WAYSTATION_E2E_SHAPE=${shape} WAYSTATION_E2E_TIME_SCALE=${scale} WAYSTATION_E2E_SEED=${seed} ` +
          `node --experimental-vm-modules node_modules/jest/bin/jest.js -c e2e/jest.config.mjs -t '${currentTestName}'`;
        const told = error instanceof Error ? error : new Error(String(error));
        told.message += `\n\nseed ${seed}; again with:\n${repeat}\n\nerrors that the services logged:\n${await complaintsOf(system())}`;
        throw told;
      }
    },
    TIMEOUT_MS + CONSTANTS_MS * timeScaleOfEnvironment(),
  );
};

/** A story about processes that the fused shape does not have. */
export const storyOfSplit: typeof story = (name, system, tell) => {
  if (shapeOfEnvironment() === 'split') story(name, system, tell);
  else test.skip(`${name} (split only)`, () => undefined);
};

/** A story about what the fused shape has in one process. */
export const storyOfFused: typeof story = (name, system, tell) => {
  if (shapeOfEnvironment() === 'fused') story(name, system, tell);
  else test.skip(`${name} (fused only)`, () => undefined);
};
