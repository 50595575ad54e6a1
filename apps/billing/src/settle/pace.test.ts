// How far settlement gives way to leases.
import { LINES_MAX, LINES_MIN, paceOf, SettlePace } from './pace.js';

test.each<[busyPart: number, tookMs: number, lines: number, restMs: number]>([
  [0, 300, LINES_MAX, 0],
  [0.1, 300, LINES_MAX, 0],
  [0.13, 100, 2_740, 20],
  [0.25, 100, 1_700, 100],
  [0.37, 100, 660, 180],
  [0.4, 100, LINES_MIN, 200],
  [1, 40, LINES_MIN, 80],
  [1, 9_000, LINES_MIN, 250],
])(
  'beside a lane that worked %d of the time, after %d ms: at most %d lines, after %d ms of rest',
  (busyPart, tookMs, lines, restMs) => {
    const pace = paceOf(busyPart, tookMs);
    expect(pace.lines).toBe(lines);
    expect(pace.restMs).toBeCloseTo(restMs, 6);
  },
);

/** Settlement on a clock of its own; while it passes, the lane works for a part of the time. */
const clock = (busyPart: { now: number }) => {
  const lane = { workedMs: 0 };
  const rests: number[] = [];
  let nowMs = 5_000;
  const pass = (ms: number): Promise<void> => {
    nowMs += ms;
    lane.workedMs += ms * busyPart.now;
    return Promise.resolve();
  };
  const sleep = (ms: number): Promise<void> => {
    rests.push(ms);
    return pass(ms);
  };
  return { pace: new SettlePace(lane, { now: () => nowMs, sleep }), pass, rests };
};

test('batches become small and rest twice as long as they took while the lane is busy, and grow again when it is not', async () => {
  const busyPart = { now: 0 };
  const { pace, pass, rests } = clock(busyPart);
  expect(pace.lines).toBe(LINES_MAX);
  await pace.settle(() => pass(120));
  await pace.settle(() => pass(120));
  expect([rests, pace.lines]).toEqual([[], LINES_MAX]);

  busyPart.now = 1;
  await pace.settle(() => pass(100));
  expect(pace.lines).toBe(LINES_MIN);
  await pace.settle(() => pass(30));
  expect(rests).toEqual([200]);
  await pace.settle(() => pass(30));
  expect(rests).toEqual([200, 60]);

  busyPart.now = 0;
  await pass(1_000);
  expect(pace.lines).toBe(LINES_MAX);
  await pace.settle(() => pass(120));
  expect(rests).toEqual([200, 60]);
});

test('what has passed since the last batch counts as rest', async () => {
  const { pace, pass, rests } = clock({ now: 1 });
  await pace.settle(() => pass(100));
  await pass(70);
  await pace.settle(() => pass(100));
  expect(rests).toEqual([130]);
  await pass(200);
  await pace.settle(() => pass(100));
  expect(rests).toEqual([130]);
});

test('a batch that fails is rested from as well: it comes again', async () => {
  const { pace, pass, rests } = clock({ now: 1 });
  const failed = pace.settle(async () => {
    await pass(80);
    throw new Error('not now');
  });
  await expect(failed).rejects.toThrow('not now');
  await pace.settle(() => pass(10));
  expect(rests).toEqual([160]);
});
