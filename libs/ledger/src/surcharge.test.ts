// What is on top of a price, one line a case; and what holds of every base and rate.
import fc from 'fast-check';
import { bearersOfSurcharge, surchargeAccountOf, surchargeOf, surchargeRateOf } from './surcharge.js';

describe('surchargeOf', () => {
  test.each<[name: string, base: bigint, ratePpm: number, expected: bigint]>([
    ['7.5 % of a dollar', 1_000_000_000_000n, 75_000, 75_000_000_000n],
    ['no rate is nothing', 1_000n, 0, 0n],
    ['of nothing is nothing', 0n, 10_000_000, 0n],
    ['half a picodollar is one', 10n, 50_000, 1n],
    ['less than half of one is none', 9n, 50_000, 0n],
    ['a ten-thousandth of a percent', 1_000_000n, 1, 1n],
    ['ten times the base', 7n, 10_000_000, 70n],
    ['beyond what a number counts exactly', 9_007_199_254_740_993_000_000n, 100_000, 900_719_925_474_099_300_000n],
  ])('%s', (_name, base, ratePpm, expected) => {
    expect(surchargeOf(base, ratePpm)).toBe(expected);
  });

  const base = fc.bigInt({ min: 0n, max: 10n ** 18n });
  const rate = fc.nat(10_000_000);

  test('is off by at most half a picodollar, and grows with its base', () => {
    fc.assert(
      fc.property(base, base, rate, (one, more, ratePpm) => {
        const error = surchargeOf(one, ratePpm) * 1_000_000n - one * BigInt(ratePpm);
        expect(error > -500_000n && error <= 500_000n).toBe(true);
        expect(surchargeOf(one + more, ratePpm) >= surchargeOf(one, ratePpm)).toBe(true);
      }),
    );
  });
});

test.each([
  [false, 'markup', 75_000],
  [true, 'fees', 50_000],
])('with an own key %s it goes to %s, at that rate', (byok, account, ratePpm) => {
  expect(surchargeAccountOf(byok)).toBe(account);
  expect(surchargeRateOf({ markupPpm: 75_000, byokFeePpm: 50_000 }, byok)).toBe(ratePpm);
  expect(surchargeRateOf({}, byok)).toBe(0);
});

describe('bearersOfSurcharge', () => {
  const none = { lease: 0n, credit: 0n, variance: 0n };
  test.each<[name: string, surcharge: bigint, borne: Partial<typeof none>, expected: Partial<typeof none>]>([
    ['comes out of the lease', 7n, { lease: 107n }, { lease: 7n }],
    ['comes out of credit where no lease paid', 7n, { credit: 107n }, { credit: 7n }],
    ['is what is short first', 7n, { lease: 102n, variance: 5n }, { lease: 2n, variance: 5n }],
    ['is not more than what is short', 7n, { lease: 50n, variance: 57n }, { variance: 7n }],
    ['goes back to credit', -7n, { credit: -107n }, { credit: -7n }],
    ['goes back to where it was short', -7n, { variance: -7n }, { variance: -7n }],
    ['makes room for what the provider gets more', -3n, {}, { credit: -3n }],
  ])('%s', (_name, surcharge, borne, expected) => {
    expect(bearersOfSurcharge(surcharge, { ...none, ...borne })).toEqual({ ...none, ...expected });
  });

  test('its parts are the surcharge, whoever bore what', () => {
    const signed = fc.bigInt({ min: -1_000n, max: 1_000n });
    const lease = fc.bigInt({ min: 0n, max: 1_000n });
    fc.assert(
      fc.property(signed, lease, signed, signed, (surcharge, fromLease, credit, variance) => {
        const parts = bearersOfSurcharge(surcharge, { lease: fromLease, credit, variance });
        expect(parts.lease + parts.credit + parts.variance).toBe(surcharge);
        expect(parts.lease >= 0n && parts.lease <= fromLease).toBe(true);
      }),
    );
  });
});
