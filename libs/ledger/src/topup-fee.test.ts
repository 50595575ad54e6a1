// The fee of a top-up, one line a case.
import fc from 'fast-check';
import { DEFAULT_FEE_POLICY, fromCents, toCents, topUpFeeCents } from './topup-fee.js';

test.each([
  [100n, 80n],
  [1_000n, 80n],
  [1_454n, 80n],
  [2_000n, 110n],
  [10_000n, 550n],
])('row 20: %s cents of credits cost %s cents of fee', (credits, fee) => {
  expect(topUpFeeCents(credits, DEFAULT_FEE_POLICY)).toBe(fee);
});

test.each([
  ['half a cent goes up', 1n, 5_000n, 1n],
  ['less than half a cent goes down', 1n, 4_999n, 0n],
  ['no fee where the policy takes none', 123_456n, 0n, 0n],
])('%s', (_name, credits, basisPoints, fee) => {
  expect(topUpFeeCents(credits, { basisPoints, leastCents: 0n })).toBe(fee);
});

test('the fee is never less than the least, never falls as credits rise, and is within half a cent of its share', () => {
  const cents = fc.bigInt({ min: 0n, max: 10n ** 12n });
  const policy = fc.record({
    basisPoints: fc.bigInt({ min: 0n, max: 10_000n }),
    leastCents: fc.bigInt({ min: 0n, max: 1_000n }),
  });
  fc.assert(
    fc.property(cents, cents, policy, (credits, more, chosen) => {
      const fee = topUpFeeCents(credits, chosen);
      expect(fee >= chosen.leastCents).toBe(true);
      expect(topUpFeeCents(credits + more, chosen) >= fee).toBe(true);
      const off = fee * 10_000n - credits * chosen.basisPoints;
      if (fee > chosen.leastCents) expect(off > -5_000n && off <= 5_000n).toBe(true);
    }),
  );
});

test('cents and picodollars turn into each other without loss, and what is no whole cent is said to be none', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.bigInt({ min: 1n, max: 9_999_999_999n }), (cents, rest) => {
      expect(toCents(fromCents(cents))).toBe(cents);
      expect(toCents(fromCents(cents) + rest)).toBeUndefined();
    }),
  );
});
