// How many fallbacks there may be.
import fc from 'fast-check';
import { createRetryBudget } from './retry-budget.js';

describe('the retry budget', () => {
  it('gives its reserve, then a fifth of the requests, and counts what it refuses', () => {
    let refused = 0;
    const budget = createRetryBudget(() => (refused += 1), 10);
    const takes = (times: number): number => Array.from({ length: times }, () => budget.take()).filter(Boolean).length;
    expect(takes(20)).toBe(10);
    expect(refused).toBe(10);
    for (let request = 0; request < 50; request += 1) budget.began();
    expect(takes(20)).toBeGreaterThanOrEqual(9);
    expect(takes(1)).toBe(0);
    budget.giveBack();
    expect(takes(2)).toBe(1);
  });

  it('never lets more through than 1.2 attempts a request and its reserve', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { maxLength: 500 }), (fallbacks) => {
        const budget = createRetryBudget(() => undefined, 10);
        let attempts = 0;
        for (const wished of fallbacks) {
          budget.began();
          attempts += 1;
          for (let each = 0; each < wished && budget.take(); each += 1) attempts += 1;
        }
        expect(attempts).toBeLessThanOrEqual(1.2 * fallbacks.length + 10 + 1e-6);
      }),
    );
  });
});
