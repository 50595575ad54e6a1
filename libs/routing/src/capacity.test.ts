// What fills a credential, what is told of it, and who forgets it when.
import type { CapacityLimits } from '@waystation/contracts';
import { fullBy, mayTake, type Share, type Use } from './capacity.js';
import { createCapacityBoard } from './capacity-board.js';
import { createCapacityTally } from './capacity-tally.js';

const use = (requests: number, tokens = 0, inFlight = 0): Use => ({ requests, tokens, inFlight });

describe('a credential', () => {
  it.each<[string, CapacityLimits, Use, number, string | undefined]>([
    ['without limits is never full', {}, use(1e6, 1e9, 1e5), 1, undefined],
    ['has room for the last request', { requestsPerMinute: 3 }, use(2), 1, undefined],
    ['is full after it', { requestsPerMinute: 3 }, use(3), 1, 'requests_per_minute'],
    ['has room for tokens that just fit', { tokensPerMinute: 100 }, use(1, 60), 40, undefined],
    ['is full for one token more', { tokensPerMinute: 100 }, use(1, 60), 41, 'tokens_per_minute'],
    ['takes what alone is too much while nothing is used', { tokensPerMinute: 100 }, use(0, 0), 500, undefined],
    ['and nothing beside it', { tokensPerMinute: 100 }, use(1, 500), 0, 'tokens_per_minute'],
    ['is full with what is in flight', { inFlight: 2 }, use(9, 9, 2), 1, 'in_flight'],
    ['tells the first of what is full', { requestsPerMinute: 1, inFlight: 1 }, use(1, 0, 1), 1, 'requests_per_minute'],
  ])('%s', (_name, limits, used, tokens, by) => {
    expect(fullBy(limits, used, tokens)).toBe(by);
  });
});

describe('a worker', () => {
  const share = (own: Use, untold: Use, others: Use, workers: number): Share => ({ own, untold, others, workers });
  it.each<[string, CapacityLimits, Share, string]>([
    ['alone takes all there is', { inFlight: 10 }, share(use(9, 0, 9), use(9, 0, 9), use(0), 1), 'taken'],
    ['among two takes half of it at once', { inFlight: 10 }, share(use(4, 0, 4), use(4, 0, 4), use(0), 2), 'taken'],
    ['and leaves the rest to the other', { inFlight: 10 }, share(use(5, 0, 5), use(5, 0, 5), use(0), 2), 'not-here'],
    [
      'that has told what it took may take of the rest',
      ...([{ inFlight: 10 }, share(use(5, 0, 5), use(0), use(0), 2), 'taken'] as const),
    ],
    ['takes the last one', { inFlight: 10 }, share(use(0), use(0), use(9, 0, 9), 4), 'taken'],
    ['declines when all is told to be taken', { inFlight: 10 }, share(use(0), use(0), use(9, 0, 10), 4), 'full'],
    [
      'shares what is free and not what is used',
      ...([{ requestsPerMinute: 100 }, share(use(2), use(2), use(94), 2), 'taken'] as const),
    ],
    [
      'and no more than that',
      ...([{ requestsPerMinute: 100 }, share(use(3), use(3), use(94), 2), 'not-here'] as const),
    ],
  ])('%s', (_name, limits, shared, kind) => {
    expect(mayTake(limits, shared, 1).kind).toBe(kind);
  });
});

describe('what is told of use', () => {
  const NOW = 1_000_000;
  /** A tally whose clock began long after the listener's. */
  const setup = () => {
    const tally = createCapacityTally();
    const board = createCapacityBoard();
    const tell = (clockMs: number, part: 'news' | 'all' = 'news') =>
      board.hear({ instance: 'w', clockMs, capacity: tally[part](clockMs) }, NOW + clockMs);
    return { tally, board, tell };
  };

  it('is the same at who hears it, and gone after a minute', () => {
    const { tally, board, tell } = setup();
    tally.begin('c', 100, 1_000);
    const second = tally.begin('c', 50, 1_100);
    tell(1_250);
    expect(board.useOf('c', NOW + 1_250)).toEqual(use(2, 150, 2));
    second.end(70, 1_400);
    tell(1_500);
    expect(board.useOf('c', NOW + 1_500)).toEqual(use(2, 170, 1));
    expect(tally.useOf('c', 1_500)).toEqual(use(2, 170, 1));
    expect(board.useOf('c', NOW + 64_999)).toMatchObject({ requests: 2 });
    expect(board.useOf('c', NOW + 65_000)).toMatchObject({ requests: 0, tokens: 0 });
    expect(tally.useOf('c', 65_000)).toMatchObject({ requests: 0, tokens: 0 });
  });

  it('takes back what a prompt was thought to be too long, and an end that is told twice changes nothing', () => {
    const { tally, board, tell } = setup();
    const begun = tally.begin('c', 1_000, 0);
    tell(250);
    begun.end(10, 300);
    begun.end(10, 300);
    tell(500);
    expect(board.useOf('c', NOW + 500)).toEqual(use(1, 10, 0));
  });

  it('is not changed by an older message that comes late, nor by one that comes twice', () => {
    const { tally, board } = setup();
    tally.begin('c', 10, 0);
    const older = { instance: 'w', clockMs: 250, capacity: tally.news(250) };
    tally.begin('c', 10, 300);
    const newer = { instance: 'w', clockMs: 500, capacity: tally.news(500) };
    for (const message of [newer, older, newer, older]) board.hear(message, NOW + 600);
    expect(board.useOf('c', NOW + 600)).toEqual(use(2, 20, 2));
  });

  it('of what is in flight is repeated while it runs, and forgotten after three seconds of silence', () => {
    const { tally, board, tell } = setup();
    const begun = tally.begin('c', 1, 0);
    for (let clockMs = 250; clockMs <= 120_000; clockMs += 250) tell(clockMs);
    expect(board.useOf('c', NOW + 120_000)).toEqual(use(0, 0, 1));
    begun.end(1, 120_000);
    tell(120_250);
    expect(board.useOf('c', NOW + 120_250)).toEqual(use(0, 0, 0));
    tally.begin('c', 1, 120_300);
    tell(120_500);
    expect(board.useOf('c', NOW + 123_000).inFlight).toBe(1);
    expect(board.useOf('c', NOW + 124_000).inFlight).toBe(0);
  });

  it('is told whole to who is new', () => {
    const { tally, board, tell } = setup();
    tally.begin('c', 7, 0);
    for (let round = 0; round < 40; round += 1) tally.news(250 * (round + 1));
    expect(tally.news(10_250).flatMap(({ slots }) => slots)).toEqual([]);
    tell(10_500, 'all');
    expect(board.useOf('c', NOW + 10_500)).toEqual(use(1, 7, 1));
  });

  it('adds up over workers, and says when there is room again', () => {
    const board = createCapacityBoard();
    const tallies = ['a', 'b'].map((instance, at) => {
      const tally = createCapacityTally();
      tally.begin('c', 100, 10_000 * at);
      board.hear({ instance, clockMs: 10_000 * at + 1, capacity: tally.news(10_000 * at + 1) }, NOW + 10_000 * at + 1);
      return tally;
    });
    expect(tallies).toHaveLength(2);
    const at = NOW + 10_001;
    expect(board.useOf('c', at)).toMatchObject({ requests: 2, tokens: 200 });
    // The first slot began at 0 and is over after 65 s; it is 10 s old.
    expect(board.fullOf('c', { requestsPerMinute: 2 }, 1, at)).toEqual({
      by: 'requests_per_minute',
      retryAfterMs: 54_999,
    });
    expect(board.fullOf('c', { tokensPerMinute: 200 }, 150, at)).toEqual({
      by: 'tokens_per_minute',
      retryAfterMs: 64_999,
    });
    expect(board.fullOf('c', { requestsPerMinute: 3 }, 1, at)).toBeUndefined();
    expect(board.fullOf('other', { requestsPerMinute: 1 }, 1, at)).toBeUndefined();
  });
});
