// Usage as providers tell it, to disjoint classes. One provider's habit a line, with its source.
import fc from 'fast-check';
import { inputTokens, outputTokens } from '@waystation/generation';
import { convertUsage } from './convert-usage.js';

const max = { input: 128_000, output: 128_000 };

describe('convertUsage', () => {
  it.each([
    // https://platform.openai.com/docs/api-reference/chat/object
    ['plain', { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 }, { input: 9, output: 12 }],
    [
      'cached tokens are inside of the prompt',
      { prompt_tokens: 2006, completion_tokens: 300, prompt_tokens_details: { cached_tokens: 1920 } },
      { input: 86, cacheRead: 1920, output: 300 },
    ],
    [
      'reasoning is inside of the completion',
      {
        prompt_tokens: 10,
        completion_tokens: 100,
        total_tokens: 110,
        completion_tokens_details: { reasoning_tokens: 64 },
      },
      { input: 10, output: 36, reasoning: 64 },
    ],
    [
      'audio is inside of both',
      {
        prompt_tokens: 50,
        completion_tokens: 90,
        prompt_tokens_details: { audio_tokens: 30 },
        completion_tokens_details: { audio_tokens: 70 },
      },
      { input: 20, audioInput: 30, output: 20, audioOutput: 70 },
    ],
    [
      'zeros in the details are told, zeros of other modalities are not classes',
      {
        prompt_tokens: 9,
        completion_tokens: 12,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      },
      { input: 9, cacheRead: 0, output: 12, reasoning: 0 },
    ],
    [
      'written cache',
      {
        prompt_tokens: 100,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 30 },
      },
      { input: 50, cacheRead: 20, cacheWrite: 30, output: 1 },
    ],
    // https://api-docs.deepseek.com/guides/kv_cache
    [
      'cache hits beside the details',
      { prompt_tokens: 339, completion_tokens: 83, prompt_cache_hit_tokens: 320, prompt_cache_miss_tokens: 19 },
      { input: 19, cacheRead: 320, output: 83 },
    ],
    // https://docs.x.ai/docs/guides/reasoning
    [
      'reasoning beside the completion, as the total says',
      {
        prompt_tokens: 12,
        completion_tokens: 1,
        total_tokens: 303,
        completion_tokens_details: { reasoning_tokens: 290 },
      },
      { input: 12, output: 1, reasoning: 290 },
    ],
    ['no completion', { prompt_tokens: 5 }, { input: 5, output: 0 }],
    ['null details', { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: null }, { input: 5, output: 1 }],
  ])('%s', (_, told, usage) => {
    expect(convertUsage(told, max)).toEqual({ usage, source: 'provider' });
  });

  it.each([
    ['negative', { prompt_tokens: -5, completion_tokens: -1 }, { input: 0, output: 0 }],
    ['absurd', { prompt_tokens: 10, completion_tokens: 1e12 }, { input: 10, output: 128_000 }],
    ['infinite', { prompt_tokens: 10, completion_tokens: Number.POSITIVE_INFINITY }, { input: 10, output: 128_000 }],
    ['not a number', { prompt_tokens: 10, completion_tokens: Number.NaN }, { input: 10, output: 0 }],
    ['text', { prompt_tokens: '10', completion_tokens: 3 }, { input: 0, output: 3 }],
    ['a fraction', { prompt_tokens: 10.5, completion_tokens: 3 }, { input: 10, output: 3 }],
    [
      'more cached than prompt',
      { prompt_tokens: 10, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 11 } },
      { input: 0, cacheRead: 10, output: 3 },
    ],
    [
      'more reasoning than completion',
      { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13, completion_tokens_details: { reasoning_tokens: 5 } },
      { input: 10, output: 0, reasoning: 3 },
    ],
  ])('clamps what is %s and says so', (_, told, usage) => {
    expect(convertUsage(told, max)).toEqual({ usage, source: 'clamped' });
  });

  it.each([
    [undefined],
    [null],
    ['x'],
    [[]],
    [{}],
    [{ total_tokens: 5 }],
    [{ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    [{ prompt_tokens: null }],
  ])('takes %j for no usage at all', (told) => {
    expect(convertUsage(told, max)).toBeUndefined();
  });

  it('never makes a negative or fractional count, and never more than the totals', () => {
    const number = fc.oneof(
      fc.integer({ min: -10, max: 200_000 }),
      fc.double(),
      fc.constantFrom(null, undefined, 'x', 1e12),
    );
    const told = fc.record({
      prompt_tokens: number,
      completion_tokens: number,
      total_tokens: number,
      prompt_tokens_details: fc.record({ cached_tokens: number, audio_tokens: number, cache_write_tokens: number }),
      completion_tokens_details: fc.record({ reasoning_tokens: number, audio_tokens: number, image_tokens: number }),
    });
    fc.assert(
      fc.property(told, (value) => {
        const converted = convertUsage(value, max);
        if (converted === undefined) return;
        for (const count of Object.values(converted.usage))
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        expect(inputTokens(converted.usage)).toBeLessThanOrEqual(max.input);
        expect(outputTokens(converted.usage)).toBeLessThanOrEqual(2 * max.output);
      }),
      { numRuns: 1000 },
    );
  });
});
