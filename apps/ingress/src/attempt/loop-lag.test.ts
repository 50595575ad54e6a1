import { setTimeout as sleep } from 'node:timers/promises';
import { watchLoopLag } from './loop-lag.js';

const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

describe('the lag of the event loop', () => {
  it('is told after the loop stood still, and fades', async () => {
    const lag = watchLoopLag();
    await sleep(60);
    block(300);
    await sleep(20);
    const right = lag.ms;
    expect(right).toBeGreaterThan(200);
    while (lag.ms >= right / 2) await sleep(20);
    lag.stop();
  });
});
