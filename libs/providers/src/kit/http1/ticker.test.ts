// The one timer of a client: when it runs, and whether the process may end while it does.
import { setTimeout as sleep } from 'node:timers/promises';
import { Ticker, ticksOf } from './ticker.js';

/** Timers that hold the process up. */
const holding = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

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

  it('stops once it is not needed, and starts again', async () => {
    let ticks = 0;
    const ticker = new Ticker(() => (ticks += 1) % 2 === 1);
    ticker.start();
    await sleep(600);
    expect(ticks).toBe(2);
    ticker.start();
    await sleep(600);
    ticker.stop();
    expect(ticks).toBe(4);
  });

  it('counts enough ticks never to be early, whenever the next one comes', () => {
    expect([0, 1, 100, 101, 1_000].map(ticksOf)).toEqual([0, 2, 2, 3, 11]);
  });
});
