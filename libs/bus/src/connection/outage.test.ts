// How long the bus has been away, by a clock and timers that do not agree to the millisecond.
import { jest } from '@jest/globals';
import type { BusState } from '../bus.js';
import type { CoreConnection } from './core-connection.js';
import { watchOutage } from './outage.js';

let now = 0;
beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});
/** The clock is behind the timers by a part of a millisecond. */
const pass = (ms: number): void => {
  for (let passed = 0; passed < ms; passed += 1) {
    now = jest.now() - startedAt + 0.4;
    jest.advanceTimersByTime(1);
  }
};
let startedAt = 0;

const watched = () => {
  startedAt = jest.now();
  now = 0;
  const listeners: ((state: BusState) => void)[] = [];
  const connection = { onState: (listener: (state: BusState) => void) => void listeners.push(listener) };
  const outage = watchOutage(connection as unknown as CoreConnection);
  const told: number[] = [];
  outage.onLongerThan(400, () => told.push(outage.lastedMs()));
  return {
    outage,
    told,
    enter(state: BusState) {
      for (const listener of listeners) listener(state);
    },
  };
};

test('is told when it has lasted so long and not before, once, though timers may be early', () => {
  const { outage, told, enter } = watched();
  enter('reconnecting');
  pass(399);
  expect(told).toEqual([]);
  pass(20);
  expect(told).toHaveLength(1);
  // Whoever asks from now on is told that it has lasted longer: between the two nobody would be told at all.
  expect(told[0]).toBeGreaterThan(400);
  expect(outage.lastedMs()).toBeGreaterThan(400);
});

test('is over with a reconnect, and told again of the next one', () => {
  const { outage, told, enter } = watched();
  enter('reconnecting');
  pass(300);
  enter('connected');
  expect(outage.lastedMs()).toBe(0);
  pass(300);
  expect(told).toEqual([]);
  enter('reconnecting');
  pass(420);
  expect(told).toHaveLength(1);
  expect(outage.epoch).toBe(2);
});

test.each([
  ['in an outage', ['reconnecting'], []],
  ['before the connection is closed', [], ['closed']],
] as const)('stopped %s, it tells nobody and keeps no process from ending', (_when, before, after) => {
  const { outage, told, enter } = watched();
  for (const state of before) enter(state);
  outage.stop();
  for (const state of after) enter(state);
  expect(jest.getTimerCount()).toBe(0);
  pass(500);
  expect(told).toEqual([]);
});
