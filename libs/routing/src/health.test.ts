// What counts say of an endpoint, and for how long; and that it does not matter how the messages come.
import type { HealthMessage } from '@waystation/contracts';
import { createHealthBoard, type HealthBoard } from './health.js';
import { createHealthTally, type HealthTally, type Observation } from './health-tally.js';
import { boardWith } from './test-health.js';

const NOW = 1_700_000_000_000;
const SECOND = 1_000;
const MINUTE = 60_000;
const FAILED: Observation = { verdict: 'failed' };
const SUCCEEDED: Observation = { verdict: 'succeeded' };

/** A worker whose clock began at `bornMs` of ours. */
const worker = (instance: string, bornMs = NOW) => {
  const tally: HealthTally = createHealthTally();
  const message = (ms: number, all: boolean): HealthMessage => ({
    ...{ v: 2, instance, clockMs: ms - bornMs, credentials: [] },
    endpoints: all ? tally.all(ms - bornMs) : tally.news(ms - bornMs),
  });
  return {
    saw: (ms: number, observation: Observation, times = 1): void => {
      for (let each = 0; each < times; each += 1) tally.record('a', observation, ms - bornMs);
    },
    news: (ms: number) => message(ms, false),
    all: (ms: number) => message(ms, true),
  };
};
/** Hears of attempts at `a` when they happen. */
const watching = (board: HealthBoard = createHealthBoard()) => {
  const one = worker('worker-1');
  return {
    board,
    saw(ms: number, observation: Observation, times = 1): void {
      one.saw(ms, observation, times);
      board.hear(one.news(ms), ms);
    },
  };
};

describe('the health of an endpoint', () => {
  it('is stable while nothing is known', () => {
    expect(createHealthBoard().stateOf('a', NOW)).toBe('stable');
  });

  it.each<[string, { succeeded: number; failed: number }, string]>([
    ['all is well', { succeeded: 500, failed: 0 }, 'stable'],
    ['a few failures in many', { succeeded: 990, failed: 10 }, 'stable'],
    ['too few requests to judge, most of them good', { succeeded: 10, failed: 5 }, 'stable'],
    ['too few requests to judge, half of them bad', { succeeded: 5, failed: 5 }, 'recent-outage'],
    ['95 % of a hundred', { succeeded: 95, failed: 5 }, 'stable'],
    ['less than 95 % of many', { succeeded: 94, failed: 6 }, 'degraded'],
    ['80 % of a hundred', { succeeded: 80, failed: 20 }, 'degraded'],
    ['less than 80 % of many', { succeeded: 79, failed: 21 }, 'down'],
    ['failures alone, a few', { succeeded: 0, failed: 9 }, 'recent-outage'],
    ['failures alone, ten in a row', { succeeded: 0, failed: 10 }, 'out'],
  ])('%s', (_name, counts, state) => {
    expect(boardWith([{ endpointId: 'a', ...counts }], NOW).stateOf('a', NOW)).toBe(state);
  });

  it('forgets an outage after half a minute and a bad ratio after five', () => {
    const { board, saw } = watching();
    saw(NOW, FAILED, 3);
    expect(board.stateOf('a', NOW + 15 * SECOND)).toBe('recent-outage');
    expect(board.stateOf('a', NOW + 35 * SECOND)).toBe('stable');
    saw(NOW + 35 * SECOND, FAILED, 190);
    saw(NOW + 36 * SECOND, SUCCEEDED, 10);
    board.sent('a', NOW + 4 * MINUTE);
    expect(board.stateOf('a', NOW + 4 * MINUTE + 1)).toBe('down');
    expect(board.stateOf('a', NOW + 6 * MINUTE)).toBe('stable');
  });

  it('is degraded for half an hour by a few streams broken in the middle, which no other endpoint mends, unless they are few among many', () => {
    const broken: Observation = { verdict: 'failed', isBroken: true };
    const stateAfter = (succeeded: number, failed: Observation, times: number, afterMs: number): string => {
      const { board, saw } = watching();
      saw(NOW, SUCCEEDED, succeeded);
      saw(NOW + SECOND, failed, times);
      saw(NOW + 2 * SECOND, SUCCEEDED, succeeded);
      // Half an hour's counts are told every eighth round.
      for (let round = 1; round <= 8; round += 1) saw(NOW + 2 * SECOND + round, SUCCEEDED, 0);
      return board.stateOf('a', NOW + afterMs);
    };
    expect(stateAfter(20, broken, 5, 3 * SECOND)).toBe('degraded');
    expect(stateAfter(20, broken, 4, 3 * SECOND)).toBe('stable');
    expect(stateAfter(20, FAILED, 5, 3 * SECOND)).toBe('stable');
    expect(stateAfter(130, broken, 5, 3 * SECOND)).toBe('stable');
    expect(stateAfter(20, broken, 5, 29 * MINUTE)).toBe('degraded');
    expect(stateAfter(20, broken, 5, 32 * MINUTE)).toBe('stable');
  });

  it('rests as told, and not for longer than ten minutes', () => {
    const { board, saw } = watching();
    saw(NOW, { verdict: 'rateLimited', restMs: 2 * SECOND });
    saw(NOW + 1, { verdict: 'rateLimited', restMs: SECOND });
    expect(board.stateOf('a', NOW + 1_999)).toBe('resting');
    expect(board.stateOf('a', NOW + 2_000)).toBe('stable');
    saw(NOW + 2_000, { verdict: 'rateLimited', restMs: 60 * MINUTE });
    expect(board.stateOf('a', NOW + 2_000)).toBe('resting');
    expect(board.stateOf('a', NOW + 9 * MINUTE)).toBe('resting');
    expect(board.stateOf('a', NOW + 10 * MINUTE + 2_000)).toBe('stable');
  });

  it('counts failures in a row over all workers, and any success ends the row', () => {
    const board = createHealthBoard();
    const [one, other] = [worker('worker-1'), worker('worker-2', NOW - MINUTE)];
    one.saw(NOW, FAILED, 5);
    other.saw(NOW, FAILED, 5);
    for (const each of [one, other]) board.hear(each.news(NOW), NOW);
    expect(board.stateOf('a', NOW)).toBe('out');
    other.saw(NOW + 500, SUCCEEDED);
    board.hear(other.news(NOW + 500), NOW + 500);
    expect(board.stateOf('a', NOW + 500)).not.toBe('out');
  });

  it('lets one request a second try what is out, more rarely while that fails too, and takes it back at the first success', () => {
    const { board, saw } = watching();
    saw(NOW, FAILED, 10);
    const trials: number[] = [];
    for (let ms = NOW; ms <= NOW + 30 * SECOND; ms += 100) {
      if (board.stateOf('a', ms) !== 'trial') continue;
      board.sent('a', ms);
      expect(board.stateOf('a', ms)).toBe('out');
      trials.push((ms - NOW) / SECOND);
      saw(ms, FAILED);
    }
    expect(trials).toEqual([1, 3, 7, 15, 23]);
    expect(board.stateOf('a', NOW + 31 * SECOND)).toBe('trial');
    board.sent('a', NOW + 31 * SECOND);
    saw(NOW + 31 * SECOND, SUCCEEDED);
    expect(board.stateOf('a', NOW + 31 * SECOND)).toBe('recent-outage');
  });

  it('lets routers take turns at trying', () => {
    const boards = [0, 1, 2].map((place) => createHealthBoard({ turn: () => ({ place, of: 3 }) }));
    const one = worker('worker-1');
    one.saw(NOW, FAILED, 10);
    const message = one.news(NOW);
    for (const board of boards) board.hear(message, NOW);
    const trials: number[] = [];
    for (let ms = NOW; ms <= NOW + 12 * SECOND; ms += 100)
      for (const board of boards)
        if (board.stateOf('a', ms) === 'trial') {
          board.sent('a', ms);
          trials.push(ms);
        }
    // Nothing is heard of how they went, and still there is one a second and no more.
    for (let second = 0; second < 12; second += 1)
      expect(
        trials.filter((ms) => ms >= NOW + second * SECOND && ms < NOW + (second + 1) * SECOND).length,
      ).toBeLessThanOrEqual(1);
    expect(trials.length).toBeGreaterThanOrEqual(9);
  });

  it('brings back what was down once it has succeeded a few times and not failed for half a minute', () => {
    const { board, saw } = watching();
    saw(NOW, FAILED, 150);
    saw(NOW + 1, SUCCEEDED);
    expect(board.stateOf('a', NOW + 1)).toBe('down');
    for (let each = 0; each < 6; each += 1) {
      const ms = NOW + (31 + 4 * each) * SECOND;
      saw(ms, SUCCEEDED);
    }
    expect(board.stateOf('a', NOW + 55 * SECOND)).toBe('degraded');
  });

  it('is down while its credential is refused, whatever else it is', () => {
    const tally = createHealthTally();
    for (let each = 0; each < 3; each += 1) tally.record('key', FAILED, 0);
    const board = createHealthBoard();
    board.hear({ instance: 'worker-1', clockMs: 0, endpoints: [], credentials: tally.news(0) }, NOW);
    expect([board.stateOf('a', NOW, 'key'), board.stateOf('a', NOW, 'other'), board.stateOf('a', NOW)]).toEqual([
      'down',
      'stable',
      'stable',
    ]);
    tally.record('key', SUCCEEDED, 1);
    board.hear({ instance: 'worker-1', clockMs: 1, endpoints: [], credentials: tally.news(1) }, NOW);
    expect(board.stateOf('a', NOW, 'key')).toBe('stable');
  });

  it('holds nothing of endpoints that are gone', () => {
    const board = boardWith([{ endpointId: 'a', failed: 500 }], NOW);
    board.retain((endpointId) => endpointId !== 'a');
    expect(board.stateOf('a', NOW)).toBe('stable');
  });
});

describe('what is shown of an endpoint', () => {
  it('is uptime over three windows, and speed of half an hour', () => {
    const { board, saw } = watching();
    saw(NOW, { verdict: 'succeeded', timeToFirstTokenMs: 1_000, tokensPerSecond: 10 }, 50);
    saw(NOW, FAILED, 50);
    saw(NOW, { verdict: 'rateLimited' }, 50);
    for (let quiet = 1; quiet <= 8; quiet += 1) saw(NOW + quiet, SUCCEEDED, 0);
    saw(NOW + 10 * MINUTE, { verdict: 'succeeded', timeToFirstTokenMs: 100, tokensPerSecond: 100 }, 50);
    for (let quiet = 1; quiet <= 8; quiet += 1) saw(NOW + 10 * MINUTE + quiet, SUCCEEDED, 0);
    const { uptime, figures, state } = board.statisticsOf('a', NOW + 10 * MINUTE + 10);
    expect({ uptime, state }).toEqual({ uptime: { fiveMinutes: 100, halfHour: 66.67, day: 66.67 }, state: 'stable' });
    expect(figures.latencyMs('p50')).toBeCloseTo(100, -1);
    expect(Math.abs((figures.latencyMs('p99') ?? 0) - 1_000)).toBeLessThan(60);
    expect(Math.abs((figures.throughput('p99') ?? 0) - 10)).toBeLessThan(0.6);
    expect(Math.abs((board.figuresOf('a', NOW + 10 * MINUTE + 10).latencyMs('p99') ?? 0) - 100)).toBeLessThan(6);
    expect(board.statisticsOf('a', NOW + 41 * MINUTE).figures.latencyMs('p50')).toBeUndefined();
    expect(board.statisticsOf('b', NOW)).toMatchObject({ state: 'stable', uptime: {} });
  });
});
