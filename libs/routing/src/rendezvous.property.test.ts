// What spares logarithms never passes over the lowest score.
import fc from 'fast-check';
import { cannotScoreBelow, rendezvousScore } from './rendezvous.js';

const uniforms = fc.double({ min: 2 ** -54, max: 1 - 2 ** -53, noNaN: true });
const weights = fc.double({ min: 1e-12, max: 1, noNaN: true });

it('who is passed over scores no lower than the best', () =>
  fc.assert(
    fc.property(uniforms, weights, uniforms, weights, (uniform, weight, other, otherWeight) => {
      const best = rendezvousScore(other, otherWeight);
      if (rendezvousScore(uniform, weight) < best) expect(cannotScoreBelow(best, uniform, weight)).toBe(false);
    }),
    { numRuns: 2_000 },
  ));

it('who is as good as the best is not passed over, however near to one its number is', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), weights, (below, weight) => {
      const uniform = 1 - below * 2 ** -53;
      expect(cannotScoreBelow(rendezvousScore(uniform, weight), uniform, weight)).toBe(false);
    }),
  ));

it('passes over whoever is far behind', () => {
  expect(cannotScoreBelow(0.01, 0.5, 1)).toBe(true);
});
