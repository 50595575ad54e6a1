// The hash that affinity stands on is even and independent.
import { hashText, rendezvousScore, uniformOf } from './rendezvous.js';

const uniform = (one: string, other: string): number => uniformOf(hashText(one), hashText(other));

describe('the number of a conversation and an endpoint', () => {
  it('is always the same, and never 0 or 1', () => {
    expect(uniform('conversation', 'endpoint')).toBe(uniform('conversation', 'endpoint'));
    for (let each = 0; each < 1_000; each += 1) {
      const value = uniform(`c${each}`, '');
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
      expect(Number.isFinite(rendezvousScore(value, 1))).toBe(true);
    }
  });

  it('is spread evenly over conversations and over endpoints, however alike their names', () => {
    const bins = 20;
    const draws = 40_000;
    for (const draw of [
      (each: number) => uniform(`conversation-${each}`, 'openai/gpt@openai'),
      (each: number) => uniform('conversation', `openai/gpt@provider-${each}`),
    ]) {
      const counts = new Array<number>(bins).fill(0);
      for (let each = 0; each < draws; each += 1) {
        const bin = Math.floor(draw(each) * bins);
        counts[bin] = (counts[bin] ?? 0) + 1;
      }
      const expected = draws / bins;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 19 degrees of freedom: 43.8 is passed by chance once in a thousand.
      expect(chiSquare).toBeLessThan(43.8);
    }
  });

  it('of one endpoint says nothing about another', () => {
    let both = 0;
    const draws = 20_000;
    for (let each = 0; each < draws; each += 1)
      if (uniform(`c${each}`, 'a') < 0.5 && uniform(`c${each}`, 'b') < 0.5) both += 1;
    expect(both / draws).toBeCloseTo(0.25, 1.7);
  });
});
