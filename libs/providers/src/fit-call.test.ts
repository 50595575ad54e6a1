// A call as an endpoint takes it: what it lacks is left out with a warning, and nothing else is touched.
import type { GenerationCall } from '@waystation/generation';
import { fitCall, reasoningEffort, reasoningTokens } from './fit-call.js';

const call: GenerationCall = {
  messages: [],
  stream: false,
  sampling: { temperature: 1, seed: 3 },
  reasoning: { effort: 'low' },
  responseFormat: { type: 'json-schema', name: 'n', schema: {} },
  maxOutputTokens: 100,
  extra: { prediction: {} },
};

describe('a call that is fitted', () => {
  it.each<[string, readonly string[], object, readonly string[]]>([
    ['without what is not there', ['top_p', 'tools', 'metadata'], call, []],
    ['without a control of sampling', ['temperature'], { ...call, sampling: { seed: 3 } }, ['temperature']],
    [
      'with plain JSON where schemas are unknown',
      ['structured_outputs'],
      { ...call, responseFormat: { type: 'json' } },
      ['structured_outputs'],
    ],
    ['without another field', ['prediction'], { ...call, extra: {} }, ['prediction']],
  ])('is %s', (_, dropParameters, expected, warned) => {
    const fitted = fitCall(call, { dropParameters });
    expect(fitted.call).toEqual(expected);
    expect(fitted.warnings.map(({ field }) => field)).toEqual(warned);
  });

  it('leaves reasoning out where the endpoint does not reason', () => {
    expect(fitCall(call, { dropParameters: ['reasoning'] }).call.reasoning).toBeUndefined();
  });

  it.each([
    [50, 50],
    [500, 100],
  ])('with a cap of %d makes %d tokens at most', (outputCap, expected) => {
    expect(fitCall(call, { dropParameters: [], outputCap }).call.maxOutputTokens).toBe(expected);
  });
});

it.each([
  [undefined, undefined, undefined],
  [{ enabled: false }, 0, 'none'],
  [{ effort: 'high' as const }, 8_000, 'high'],
  [{ maxTokens: 2_000 }, 2_000, 'low'],
  [{ enabled: true }, 5_000, 'medium'],
  [{ exclude: true }, undefined, undefined],
])('%j of 10,000 tokens is %p tokens, or the effort %p', (options, tokens, effort) => {
  expect(reasoningTokens(options, 10_000)).toBe(tokens);
  expect(reasoningEffort(options, 10_000)).toBe(effort);
});
