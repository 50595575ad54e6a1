// How many fallbacks and second endpoints there may be.
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

  it('leaves half of its reserve to fallbacks', () => {
    const refused: string[] = [];
    const budget = createRetryBudget((what) => refused.push(what), 10);
    expect(Array.from({ length: 7 }, () => budget.takeSpare())).toEqual([...Array(5).fill(true), false, false]);
    expect(Array.from({ length: 6 }, () => budget.take())).toEqual([...Array(5).fill(true), false]);
    expect(refused).toEqual(['second', 'second', 'fallback']);
  });

  it('never lets more through than 1.2 attempts a request and its reserve, whatever they are for', () => {
    const wishes = fc.array(fc.constantFrom('fallback', 'second'), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(wishes, { maxLength: 500 }), (requests) => {
        const budget = createRetryBudget(() => undefined, 10);
        let attempts = 0;
        for (const wished of requests) {
          budget.began();
          attempts += 1;
          for (const each of wished) if (each === 'fallback' ? budget.take() : budget.takeSpare()) attempts += 1;
        }
        expect(attempts).toBeLessThanOrEqual(1.2 * requests.length + 10 + 1e-6);
      }),
    );
  });
});
