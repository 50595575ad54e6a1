import { createTruthLog } from './truth-log.js';

const begin = (log: ReturnType<typeof createTruthLog>, id: string, at = 1_000) =>
  log.begin({ id, at, dialect: 'openai-chat', model: 'echo', stream: false, bodyBytes: 10, billsAfterCancel: false });
const billed = { promptTokens: 3, cachedTokens: 1, completionTokens: 5, reasoningTokens: 2 };

describe('the truth log', () => {
  it('finds calls by id and by time, in the order in which they came', () => {
    const log = createTruthLog(() => 9_000);
    for (const [id, at] of [
      ['a', 1_000],
      ['b', 2_000],
      ['c', 3_000],
    ] as const)
      begin(log, id, at);
    expect(log.read({}).map((call) => call.id)).toEqual(['a', 'b', 'c']);
    expect(log.read({ since: 2_000 }).map((call) => call.id)).toEqual(['b', 'c']);
    expect(log.read({ request: 'b' }).map((call) => call.id)).toEqual(['b']);
  });

  it('bills a call once', () => {
    const log = createTruthLog(() => 9_000);
    const call = begin(log, 'a');
    log.end(call, 'completed', billed);
    log.end(call, 'aborted', billed);
    expect(call).toMatchObject({ outcome: 'completed', ...billed, endedAt: 9_000 });
    expect(log.totals).toMatchObject({ calls: 1, completed: 1, aborted: 0, ...billed });
  });

  it('keeps the newest calls and counts the others in its totals', () => {
    const log = createTruthLog(() => 9_000, 3);
    for (const id of ['a', 'b', 'c', 'd', 'e']) log.end(begin(log, id), 'completed', billed);
    expect(log.read({}).map((call) => call.id)).toEqual(['c', 'd', 'e']);
    expect(log.dropped).toBe(2);
    expect(log.totals.promptTokens).toBe(15);
  });

  it('forgets everything when it is cleared, calls that still run included', () => {
    const log = createTruthLog(() => 9_000, 3);
    const running = begin(log, 'a');
    log.clear();
    log.end(running, 'completed', billed);
    expect(log.totals).toMatchObject({ calls: 0, completed: 0, promptTokens: 0 });
    begin(log, 'b');
    expect(log.read({}).map((call) => call.id)).toEqual(['b']);
  });
});
