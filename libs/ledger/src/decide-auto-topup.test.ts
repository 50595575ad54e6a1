// When credits are ordered automatically, one line a case.
import { decideAutoTopUp, waitAfterFailures, type AutoTopUpFacts, type AutoTopUpState } from './decide-auto-topup.js';

const settings: AutoTopUpState = {
  enabled: true,
  thresholdCents: 500n,
  creditsCents: 2_000n,
  dailyMaxCents: 6_000n,
  nextTryAtMs: 0,
};
const facts: AutoTopUpFacts = {
  balanceCents: 499n,
  hasOpenOrder: false,
  suspended: false,
  orderedTodayCents: 0n,
  nowMs: 1_000,
};

test.each([
  ['below the threshold credits are ordered', {}, {}, 'order'],
  ['at the threshold they are not', {}, { balanceCents: 500n }, 'enough'],
  ['a balance below zero is below the threshold', {}, { balanceCents: -1n }, 'order'],
  ['never where it is off', { enabled: false }, {}, 'off'],
  ['never two at once', {}, { hasOpenOrder: true }, 'one-is-open'],
  ['not for a workspace whose payment is disputed', {}, { suspended: true }, 'suspended'],
  ['up to the bound of the day', {}, { orderedTodayCents: 4_000n }, 'order'],
  ['not beyond it', {}, { orderedTodayCents: 4_001n }, 'daily-bound'],
  ['not before the wait after a failure is over', { nextTryAtMs: 1_001 }, {}, 'waits-after-failure'],
  ['as soon as it is', { nextTryAtMs: 1_000 }, {}, 'order'],
] as const)('%s', (_name, changes, more, decision) => {
  expect(decideAutoTopUp({ ...settings, ...changes }, { ...facts, ...more })).toBe(decision);
});

test.each([
  [0, 0],
  [1, 60_000],
  [2, 120_000],
  [5, 960_000],
  [10, 21_600_000],
  [1_000, 21_600_000],
])('after %s failures in a row the next try waits %s ms', (failures, waitMs) => {
  expect(waitAfterFailures(failures)).toBe(waitMs);
});
