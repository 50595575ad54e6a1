// The outcome policy, one line a case.
import type { PriceVector } from '@waystation/contracts';
import { OUTCOMES, type Outcome } from '@waystation/generation';
import fc from 'fast-check';
import {
  OUTCOME_POLICY,
  creditsOf,
  decideCharge,
  policyRowOf,
  type ChargeDecision,
  type ChargeFacts,
  type Payer,
} from './decide-charge.js';
import { surchargeOf } from './surcharge.js';

const price: PriceVector = { perUnit: { input: '10', output: '30' } };
const facts: ChargeFacts = {
  outcome: 'completed',
  served: true,
  usage: { input: 4, output: 2 }, // 100
  usageSource: 'provider',
  price,
  holdPicodollars: 1000n,
  byok: false,
};

const by = (amount: bigint, payer: Payer, policyRow: string, variance?: bigint): ChargeDecision => ({
  amount,
  payer,
  policyRow,
  ...(variance === undefined ? {} : { variance }),
});

const cases: [name: string, facts: Partial<ChargeFacts>, expected: ChargeDecision][] = [
  ['a delivered completion is charged', {}, by(100n, 'credits', 'completed')],
  [
    'a completion that another attempt overtook is ours to bear',
    { served: false },
    by(100n, 'waste', 'completed-unserved'),
  ],
  ['an empty completion is not charged', { outcome: 'empty' }, by(100n, 'waste', 'empty')],
  ['a refusal is not charged', { outcome: 'refused' }, by(100n, 'waste', 'refused')],
  [
    'a failure before output is not charged',
    { outcome: 'failed-before-output', served: false },
    by(100n, 'waste', 'failed-before-output'),
  ],
  [
    'a failure that reported no usage owes nothing, not even the fee per request',
    { outcome: 'failed-before-output', served: false, usage: {}, price: { ...price, perRequest: '5' } },
    by(0n, 'waste', 'failed-before-output'),
  ],
  [
    'an estimate is no evidence that a provider bills for a failure',
    { outcome: 'failed-before-output', served: false, usageSource: 'estimated' },
    by(0n, 'waste', 'failed-before-output'),
  ],
  [
    'what was delivered before a stream broke is charged',
    { outcome: 'failed-after-output' },
    by(100n, 'credits', 'failed-after-output'),
  ],
  [
    'a stream that broke before the client got any of it is not charged',
    { outcome: 'failed-after-output', served: false },
    by(100n, 'waste', 'failed-unserved'),
  ],
  [
    'what was used until the client left is charged',
    { outcome: 'cancelled', usageSource: 'estimated' },
    by(100n, 'credits', 'cancelled-after-output'),
  ],
  [
    'a client that left before any output is not charged',
    { outcome: 'cancelled', served: false },
    by(100n, 'waste', 'cancelled-before-output'),
  ],
  [
    'what was delivered until the time ran out is charged',
    { outcome: 'timed-out' },
    by(100n, 'credits', 'timed-out-after-output'),
  ],
  [
    'a time-out before any output is not charged',
    { outcome: 'timed-out', served: false },
    by(100n, 'waste', 'timed-out-before-output'),
  ],
  [
    'an attempt that was passed over is never charged, whatever its worker saw',
    { outcome: 'passed-over' },
    by(100n, 'waste', 'passed-over'),
  ],
  [
    'the fee per request is part of the charge',
    { price: { ...price, perRequest: '5' } },
    by(105n, 'credits', 'completed'),
  ],
  ['a cost equal to the hold is paid whole', { holdPicodollars: 100n }, by(100n, 'credits', 'completed')],
  [
    'a cost above the hold goes to variance, not to the customer',
    { holdPicodollars: 99n },
    by(99n, 'credits', 'completed', 1n),
  ],
  [
    'an estimate above the hold is cut without a debt',
    { holdPicodollars: 99n, usageSource: 'estimated' },
    by(99n, 'credits', 'completed'),
  ],
  ['without a hold the customer pays nothing', { holdPicodollars: 0n }, by(0n, 'credits', 'completed', 100n)],
  ['waste is not bounded by the hold', { outcome: 'empty', holdPicodollars: 1n }, by(100n, 'waste', 'empty')],
  ['a negative count is never a credit', { usage: { input: -100, output: 2 } }, by(60n, 'credits', 'completed')],
  [
    'with the own key of the customer nothing is booked, only counted',
    { byok: true, holdPicodollars: 0n },
    by(100n, 'byok', 'completed'),
  ],
  ['a markup is on top of the cost', { surchargePpm: 75_000 }, { ...by(100n, 'credits', 'completed'), surcharge: 8n }],
  [
    'a markup is of the whole charge, fee per request included, and rounded once',
    { surchargePpm: 75_000, price: { ...price, perRequest: '6' } },
    { ...by(106n, 'credits', 'completed'), surcharge: 8n },
  ],
  [
    'a markup ends where the hold ends',
    { surchargePpm: 75_000, holdPicodollars: 103n },
    { ...by(100n, 'credits', 'completed'), surcharge: 3n },
  ],
  [
    'beyond the hold there is no markup, and the provider is owed as without one',
    { surchargePpm: 75_000, holdPicodollars: 99n },
    by(99n, 'credits', 'completed', 1n),
  ],
  ['what nobody pays has no markup', { surchargePpm: 75_000, outcome: 'empty' }, by(100n, 'waste', 'empty')],
  [
    'with the own key of the customer the fee is taken of what it would have cost',
    { byok: true, surchargePpm: 50_000 },
    { ...by(100n, 'byok', 'completed'), surcharge: 5n },
  ],
  [
    'the fee for an own key ends where the hold ends',
    { byok: true, surchargePpm: 50_000, holdPicodollars: 4n },
    { ...by(100n, 'byok', 'completed'), surcharge: 4n },
  ],
  [
    'without a hold there is no fee for an own key',
    { byok: true, surchargePpm: 50_000, holdPicodollars: 0n },
    by(100n, 'byok', 'completed'),
  ],
  [
    'a failure with the own key of the customer has no fee',
    { byok: true, surchargePpm: 50_000, outcome: 'failed-before-output', served: false },
    by(100n, 'byok', 'failed-before-output'),
  ],
  [
    'with the own key of the customer a failure is not our waste',
    { byok: true, outcome: 'empty' },
    by(100n, 'byok', 'empty'),
  ],
];

describe('decideCharge', () => {
  test.each(cases)('%s', (_name, changed, expected) => {
    expect(decideCharge({ ...facts, ...changed })).toEqual(expected);
  });

  test('a customer pays within [0, hold] whatever is reported, and nothing of a reported cost is lost', () => {
    const arbitrary = fc.record({
      outcome: fc.constantFrom<Outcome>(...OUTCOMES),
      served: fc.boolean(),
      usage: fc.dictionary(
        fc.constantFrom('input', 'output', 'cacheRead'),
        fc.oneof(fc.integer(), fc.constant(Number.NaN), fc.constant(1e12)),
      ),
      hold: fc.bigInt({ min: -5n, max: 10n ** 14n }),
      byok: fc.boolean(),
      surchargePpm: fc.oneof(fc.constant(undefined), fc.nat(10_000_000)),
    });
    fc.assert(
      fc.property(arbitrary, ({ hold, surchargePpm, ...more }) => {
        const decision = decideCharge({ ...facts, ...more, surchargePpm, holdPicodollars: hold });
        expect(decision.amount >= 0n && (decision.surcharge ?? 1n) > 0n).toBe(true);
        expect(creditsOf(decision) <= (hold > 0n ? hold : 0n)).toBe(true);
        if (decision.payer !== 'credits') expect(decision.variance).toBeUndefined();
        const plain = decideCharge({ ...facts, ...more, holdPicodollars: hold });
        expect({ ...plain, surcharge: 0n }).toEqual({ ...decision, surcharge: 0n });
        if (decision.surcharge !== undefined && creditsOf(decision) < hold)
          expect(decision.surcharge).toBe(surchargeOf(decision.amount, surchargePpm ?? 0));
      }),
    );
  });

  test('every row of the policy explains itself under a name of its own', () => {
    for (const outcome of OUTCOMES) {
      for (const each of Object.values(OUTCOME_POLICY[outcome])) {
        expect(policyRowOf(each.name)).toEqual(each);
        expect(each.why).toMatch(/\.$/);
      }
    }
  });
});
