// For tests that need a timeout to expire, and something to have happened before it on a machine of any speed: timeouts wait until the test says so, all else
// (sockets, intervals, the clock) goes on.
import { jest } from '@jest/globals';

/** From now on, until `jest.useRealTimers()`: what `setTimeout` is given runs when a test calls `jest.advanceTimersByTime`. Sleeps of `node:timers/promises` do not wait for it. */
export const holdTimeouts = (): void =>
  void jest.useFakeTimers({
    doNotFake: [
      'Date',
      'hrtime',
      'performance',
      'nextTick',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
    ],
  });
