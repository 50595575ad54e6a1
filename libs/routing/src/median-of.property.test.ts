// The middle that is selected is the middle that sorting finds.
import fc from 'fast-check';
import { medianOf } from './median-of.js';

const sortedMiddle = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? upper)) / 2;
};

it('is what sorting finds, also where many are alike', () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), { maxLength: 60 }),
        fc.array(fc.nat(4), { maxLength: 60 }),
      ),
      (values) => {
        expect(medianOf(Float64Array.from(values))).toBeCloseTo(sortedMiddle(values), 12);
      },
    ),
    { numRuns: 1_000 },
  ));
