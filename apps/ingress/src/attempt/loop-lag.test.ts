import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { watchLoopLag } from './loop-lag.js';

const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

afterEach(() => void jest.useRealTimers());

describe('the lag of the event loop', () => {
  it('is told after the loop stood still', async () => {
    const lag = watchLoopLag();
    await sleep(60);
    block(300);
    await sleep(20);
    expect(lag.ms).toBeGreaterThan(200);
    lag.stop();
  });

  it('fades within a second or two', () => {
    jest.useFakeTimers();
    let now = 0;
    const lag = watchLoopLag(() => now);
    const pass = (ms: number, late = 0): void => {
      now += ms + late;
      jest.advanceTimersByTime(ms);
    };
    pass(50);
    expect(lag.ms).toBe(0);
    pass(50, 300);
    expect(lag.ms).toBe(300);
    const fading = Array.from({ length: 20 }, () => (pass(50), lag.ms));
    expect(fading.every((ms, at) => ms < (fading[at - 1] ?? 300))).toBe(true);
    expect(fading.at(-1)).toBeCloseTo(300 * 0.9 ** 20);
    lag.stop();
  });
});
