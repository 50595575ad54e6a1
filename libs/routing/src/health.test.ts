// What counters say of an endpoint, and for how long.
import { createHealthBoard } from './health.js';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

describe('the health of an endpoint', () => {
  it('is stable while nothing is known', () => {
    expect(createHealthBoard().stateOf('a', NOW)).toBe('stable');
  });

  it.each<[string, { succeeded: number; failed: number }, string]>([
    ['all is well', { succeeded: 500, failed: 0 }, 'stable'],
    ['a few failures in many', { succeeded: 990, failed: 10 }, 'stable'],
    ['too few requests to judge, most of them good', { succeeded: 10, failed: 5 }, 'stable'],
    ['too few requests to judge, half of them bad', { succeeded: 5, failed: 5 }, 'recent-outage'],
    ['less than 95 % of many', { succeeded: 94, failed: 6 }, 'degraded'],
    ['less than 80 % of many', { succeeded: 79, failed: 21 }, 'down'],
  ])('%s', (_name, counts, state) => {
    const board = createHealthBoard();
    board.merge([{ endpointId: 'a', ...counts }], NOW);
    expect(board.stateOf('a', NOW)).toBe(state);
  });

  it('adds up what several workers counted, in any order and in any portions', () => {
    const [one, other] = [createHealthBoard(), createHealthBoard()];
    one.merge([{ endpointId: 'a', succeeded: 90, failed: 0 }], NOW);
    one.merge([{ endpointId: 'a', succeeded: 0, failed: 10 }], NOW + 1);
    other.merge([{ endpointId: 'a', succeeded: 0, failed: 10 }], NOW);
    for (let each = 0; each < 9; each += 1) other.merge([{ endpointId: 'a', succeeded: 10, failed: 0 }], NOW + each);
    expect(one.stateOf('a', NOW + 10)).toBe('degraded');
    expect(other.stateOf('a', NOW + 10)).toBe('degraded');
  });

  it('forgets an outage after half a minute and a bad ratio after five', () => {
    const board = createHealthBoard();
    board.merge([{ endpointId: 'a', succeeded: 0, failed: 3 }], NOW);
    expect(board.stateOf('a', NOW + 15_000)).toBe('recent-outage');
    expect(board.stateOf('a', NOW + 35_000)).toBe('stable');
    board.merge([{ endpointId: 'b', succeeded: 10, failed: 190 }], NOW);
    expect(board.stateOf('b', NOW + 4 * MINUTE)).toBe('down');
    expect(board.stateOf('b', NOW + 5 * MINUTE + 10_000)).toBe('stable');
  });

  it('rests as told, and not for longer than ten minutes', () => {
    const board = createHealthBoard();
    board.merge([{ endpointId: 'a', succeeded: 0, failed: 0, restUntilMs: NOW + 2_000 }], NOW);
    board.merge([{ endpointId: 'a', succeeded: 1, failed: 0, restUntilMs: NOW + 1_000 }], NOW);
    expect(board.stateOf('a', NOW + 1_500)).toBe('resting');
    expect(board.stateOf('a', NOW + 2_000)).toBe('stable');
    board.merge([{ endpointId: 'a', succeeded: 0, failed: 0, restUntilMs: NOW + 60 * MINUTE }], NOW);
    expect(board.stateOf('a', NOW + 10 * MINUTE - 1)).toBe('resting');
    expect(board.stateOf('a', NOW + 10 * MINUTE)).toBe('stable');
  });

  it('holds nothing of endpoints that are gone', () => {
    const board = createHealthBoard();
    board.merge([{ endpointId: 'a', succeeded: 0, failed: 500 }], NOW);
    board.retain((endpointId) => endpointId !== 'a');
    expect(board.stateOf('a', NOW)).toBe('stable');
  });
});
