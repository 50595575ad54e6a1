// When a worker asks for more hold, when it waits, and when it ends the output. Time is the test's own.
import { jest } from '@jest/globals';
import { ALLOWANCE_TIMES, Allowance, type Held } from './allowance.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const setUp = (heldOutputTokens: number | undefined = 1_000) => {
  const asked: number[] = [];
  const done: string[] = [];
  const allowance = new Allowance(
    { holdPicodollars: '10', ...(heldOutputTokens === undefined ? {} : { heldOutputTokens }) },
    ALLOWANCE_TIMES,
    (held) => void asked.push(held),
  );
  allowance.readBy({
    pause: (paused) => void done.push(paused ? 'pause' : 'resume'),
    cutShort: () => void done.push('cut'),
  });
  const heard = (heldTokens: number | undefined, refused = false, holdPicodollars = '20'): void => {
    const held: Held = { holdPicodollars, heldOutputTokens: heldTokens, refused };
    allowance.heard(held);
  };
  return { allowance, asked, done, heard };
};

it('asks when half is used up, once, and again only while no answer comes', () => {
  const { allowance, asked, done, heard } = setUp();
  allowance.used(499);
  expect(asked).toEqual([]);
  allowance.used(500);
  allowance.used(600);
  expect(asked).toEqual([1_000]);
  jest.advanceTimersByTime(2 * ALLOWANCE_TIMES.repeatMs);
  expect(asked).toEqual([1_000, 1_000, 1_000]);
  heard(2_000);
  jest.advanceTimersByTime(10 * ALLOWANCE_TIMES.repeatMs);
  expect([asked.length, done]).toEqual([3, []]);
  allowance.used(1_499);
  expect(asked).toHaveLength(3);
  allowance.used(1_500);
  expect(asked).toEqual([1_000, 1_000, 1_000, 2_000]);
});

it('knows the hold that it was told last', () => {
  const { allowance, heard } = setUp();
  expect(allowance.held.holdPicodollars).toBe('10');
  heard(2_000, false, '20');
  heard(1_500, false, '15');
  heard(2_000, false, '99');
  expect(allowance.held.holdPicodollars).toBe('20');
  heard(undefined, false, '30');
  expect(allowance.held.holdPicodollars).toBe('30');
});

it('knows the tokens that it was told of with it', () => {
  const { allowance } = setUp();
  allowance.heard({ holdPicodollars: '20', holdTokens: 2_100, heldOutputTokens: 2_000, refused: false });
  expect(allowance.held).toEqual({ holdPicodollars: '20', holdTokens: 2_100 });
});

it('stops the reading when all is used up, and goes on with the answer', () => {
  const { allowance, done, heard } = setUp();
  allowance.used(1_000);
  expect(done).toEqual(['pause']);
  jest.advanceTimersByTime(ALLOWANCE_TIMES.waitMs - 1);
  heard(2_000);
  jest.advanceTimersByTime(10 * ALLOWANCE_TIMES.waitMs);
  expect(done).toEqual(['pause', 'resume']);
});

it('stays stopped where the answer does not cover what came meanwhile, and asks on', () => {
  const { allowance, asked, done, heard } = setUp();
  allowance.used(5_000);
  heard(2_000);
  expect([asked, done]).toEqual([[1_000, 2_000], ['pause']]);
  heard(6_000);
  expect(done).toEqual(['pause', 'resume']);
});

it('ends the output when no answer comes in time', () => {
  const { allowance, asked, done } = setUp();
  allowance.used(1_000);
  jest.advanceTimersByTime(ALLOWANCE_TIMES.waitMs);
  expect(done).toEqual(['pause', 'cut']);
  const questions = asked.length;
  jest.advanceTimersByTime(10 * ALLOWANCE_TIMES.waitMs);
  allowance.used(2_000);
  expect([asked.length, done]).toEqual([questions, ['pause', 'cut']]);
});

it('delivers all that is held after a refusal, and ends there without a wait', () => {
  const { allowance, done, heard } = setUp();
  allowance.used(600);
  heard(1_000, true);
  allowance.used(999);
  expect(done).toEqual([]);
  allowance.used(1_000);
  expect(done).toEqual(['cut']);
});

it('ends at once when the refusal comes while it waits', () => {
  const { allowance, done, heard } = setUp();
  allowance.used(1_100);
  heard(1_000, true);
  expect(done).toEqual(['pause', 'cut']);
});

it('goes on when what was refused is given after all, and heeds no refusal that was overtaken', () => {
  const { allowance, asked, done, heard } = setUp();
  allowance.used(600);
  heard(1_000, true);
  jest.advanceTimersByTime(ALLOWANCE_TIMES.repeatMs);
  expect(asked).toEqual([1_000, 1_000]);
  heard(2_000);
  heard(1_000, true);
  allowance.used(1_400);
  expect(done).toEqual([]);
  allowance.used(2_000);
  expect(done).toEqual(['pause']);
});

it('asks no more once all that can be made is held', () => {
  const { allowance, asked, done, heard } = setUp();
  allowance.used(600);
  heard(undefined);
  allowance.used(1_000_000);
  jest.advanceTimersByTime(10 * ALLOWANCE_TIMES.waitMs);
  expect([asked, done]).toEqual([[1_000], []]);
});

it('leaves no timer behind when the attempt is over', () => {
  const { allowance, done } = setUp();
  allowance.used(1_000);
  allowance.end();
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(10 * ALLOWANCE_TIMES.waitMs);
  expect(done).toEqual(['pause']);
});
