// Usage classes are disjoint, and only what a client could act on is meaningful.
import { isMeaningful } from './event.js';
import { inputTokens, outputTokens } from './usage.js';

describe('usage', () => {
  it('counts each token once: cached beside input, reasoning beside output', () => {
    const usage = { input: 10, cacheRead: 90, output: 5, reasoning: 20 };
    expect(inputTokens(usage)).toBe(100);
    expect(outputTokens(usage)).toBe(25);
  });

  it('does not count classes that are no tokens of either side', () => {
    expect(inputTokens({ searches: 3 }) + outputTokens({ searches: 3 })).toBe(0);
  });
});

describe('the first meaningful event', () => {
  it.each([
    [{ type: 'start' } as const, false],
    [{ type: 'text-delta', index: 0, text: '' } as const, false],
    [{ type: 'text-delta', index: 0, text: 'a' } as const, true],
    [{ type: 'reasoning-delta', index: 0, text: 'a' } as const, true],
    [{ type: 'tool-call-start', index: 0, id: 'a', name: 'b' } as const, true],
    [{ type: 'error', code: 'x', message: 'y' } as const, false],
    [{ type: 'finish', reason: 'stop' } as const, true],
  ])('%j: %s', (event, meaningful) => {
    expect(isMeaningful(event)).toBe(meaningful);
  });
});
