// For how long the lane has worked is known at any time, also in the middle of a transaction and after one that failed.
import { LaneLoad } from './lane-load.js';

test('counts what is over and what is under way', async () => {
  let nowMs = 100;
  const load = new LaneLoad(() => nowMs);
  const pass = (ms: number): Promise<void> => {
    nowMs += ms;
    return Promise.resolve();
  };
  await pass(50);
  expect(load.workedMs).toBe(0);
  const answer = await load.during(async () => {
    await pass(20);
    expect(load.workedMs).toBe(20);
    await pass(10);
    return 'granted';
  });
  expect([answer, load.workedMs]).toEqual(['granted', 30]);
  await pass(500);
  expect(load.workedMs).toBe(30);
  const failed = load.during(async () => {
    await pass(7);
    throw new Error('away');
  });
  await expect(failed).rejects.toThrow('away');
  expect(load.workedMs).toBe(37);
});
