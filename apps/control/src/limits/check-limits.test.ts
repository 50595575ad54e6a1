// What limits of a workspace may say together, one line a case.
import { LIMITS_MAX, type LimitSpec } from '@waystation/contracts';
import { problemOfLimits } from './check-limits.js';

const limit = (over: Partial<LimitSpec> = {}): LimitSpec => ({
  scope: 'workspace',
  metric: 'usd',
  window: 'month',
  limit: '100',
  ...over,
});
const day = (amount: string) => limit({ window: 'day', limit: amount });

test.each<[string, LimitSpec[], LimitSpec[], RegExp | undefined]>([
  ['one budget is fine', [limit()], [], undefined],
  ['a narrower budget must be smaller', [day('100')], [limit()], /budget of the day must be below that of the month/],
  ['and may be', [day('99')], [limit()], undefined],
  ['a budget between two is held against both', [limit({ window: 'week', limit: '50' })], [day('50'), limit()], /day/],
  ['budgets of keys need no order', [day('100'), limit({ scope: 'key' })], [], undefined],
  ['rates by the minute need no order', [limit({ window: 'minute', limit: '500' })], [limit()], undefined],
  ['one limit set twice', [limit(), limit({ limit: '7' })], [], /twice/],
  ['a limit of the workspace that names somebody', [limit({ scopeId: 'k' })], [], /names nobody/],
  ['requests that count own keys', [limit({ metric: 'requests', includeByok: true })], [], /own keys anyway/],
  ['money of free calls', [limit({ freeOnly: true })], [], /costs nothing/],
  ['a limit without end', [limit({ limit: `${10n ** 24n + 1n}` })], [], /larger than anything/],
  ['a count that no count reaches', [limit({ metric: 'tokens', limit: `${2n ** 53n}` })], [], /larger than anything/],
])('%s', (_name, set, others, expected) => {
  const problem = problemOfLimits(set, [...others, ...set]);
  if (expected === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(expected);
});

test('a workspace has a bounded number of limits', () => {
  const many = Array.from({ length: LIMITS_MAX + 1 }, (_, n) => limit({ scope: 'tag', scopeId: `t${n}` }));
  expect(problemOfLimits(many.slice(1), many.slice(1))).toBeUndefined();
  expect(problemOfLimits(many.slice(1), many)).toMatch(/at most/);
});
