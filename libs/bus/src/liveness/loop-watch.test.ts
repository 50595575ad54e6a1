// A process that stood still knows it, and forgets it soon.
import { jest } from '@jest/globals';
import { watchLoop } from './loop-watch.js';

// Time is the test's own: a machine that stalls by itself would be noticed just as well.
let now = 0;
beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});
const pass = (ms: number): void => {
  for (let passed = 0; passed < ms; passed += 10) {
    now += 10;
    jest.advanceTimersByTime(10);
  }
};
/** Timers are late by as much. */
const block = (ms: number): void => void (now += ms);

test('a stall is known during the turn that stalled and right after, and not for long', () => {
  const loop = watchLoop(200);
  pass(120);
  expect(loop.stalled()).toBe(false);
  block(400);
  expect(loop.stalled()).toBe(true);
  jest.advanceTimersToNextTimer();
  expect(loop.stalled()).toBe(true);
  pass(400);
  expect(loop.stalled()).toBe(false);
  loop.stop();
});

test('a stall that ended before anybody asked is known right after it, too', () => {
  const loop = watchLoop(200);
  pass(100);
  block(400);
  jest.advanceTimersToNextTimer();
  expect(loop.stalled()).toBe(true);
  loop.stop();
});

test('a shorter one is none', () => {
  const loop = watchLoop(200);
  pass(100);
  block(190);
  expect(loop.stalled()).toBe(false);
  jest.advanceTimersToNextTimer();
  expect(loop.stalled()).toBe(false);
  loop.stop();
});
