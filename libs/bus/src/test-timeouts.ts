// For tests that need a timeout or an interval to be over, and something to have happened before it on a machine of any speed: these timers wait until the test
// says so, all else (sockets, sleeps of `node:timers/promises`, the clock) goes on.
import { jest } from '@jest/globals';

const ALL_ELSE = [
  'Date',
  'hrtime',
  'performance',
  'nextTick',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
] as const;

/** From now on, until `jest.useRealTimers()`: what `setTimeout` is given runs when a test calls `jest.advanceTimersByTime`. */
export const holdTimeouts = (): void =>
  void jest.useFakeTimers({ doNotFake: [...ALL_ELSE, 'setInterval', 'clearInterval'] });

/** The same for what `setInterval` is given. */
export const holdIntervals = (): void =>
  void jest.useFakeTimers({ doNotFake: [...ALL_ELSE, 'setTimeout', 'clearTimeout'] });
