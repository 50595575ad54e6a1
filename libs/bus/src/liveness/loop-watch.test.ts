// A process that stood still knows it, and forgets it soon.
import { setTimeout as sleep } from 'node:timers/promises';
import { watchLoop } from './loop-watch.js';

const block = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};

test('a stall is known during the turn that stalled and right after, and not for long', async () => {
  const loop = watchLoop(200);
  await sleep(120);
  expect(loop.stalled()).toBe(false);
  block(400);
  expect(loop.stalled()).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(loop.stalled()).toBe(true);
  await sleep(400);
  expect(loop.stalled()).toBe(false);
  loop.stop();
});
