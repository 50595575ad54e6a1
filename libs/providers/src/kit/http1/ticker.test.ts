// The one timer of a client: when it runs, and whether the process may end while it does.
import { jest } from '@jest/globals';
import { Ticker, ticksOf } from './ticker.js';

/** Timers that hold the process up. */
const holding = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

afterEach(() => void jest.useRealTimers());

describe('the ticker', () => {
  it('holds the process up while a call is in flight, and only then', () => {
    const before = holding();
    const ticker = new Ticker(() => true);
    ticker.callBegan();
    ticker.start();
    ticker.callBegan();
    expect(holding()).toBe(before + 1);
    ticker.callEnded();
    expect(holding()).toBe(before + 1);
    ticker.callEnded();
    expect(holding()).toBe(before);
    ticker.callBegan();
    expect(holding()).toBe(before + 1);
    ticker.stop();
    expect(holding()).toBe(before);
  });

  it('stops once it is not needed, and starts again', () => {
    jest.useFakeTimers();
    let ticks = 0;
    const ticker = new Ticker(() => (ticks += 1) % 2 === 1);
    ticker.start();
    jest.advanceTimersByTime(600);
    expect(ticks).toBe(2);
    expect(jest.getTimerCount()).toBe(0);
    ticker.start();
    jest.advanceTimersByTime(600);
    expect(ticks).toBe(4);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('counts enough ticks never to be early, whenever the next one comes', () => {
    expect([0, 1, 100, 101, 1_000].map(ticksOf)).toEqual([0, 2, 2, 3, 11]);
  });
});
