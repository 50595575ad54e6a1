// Prices of the sources in our units: every class by its name, tiers by size and by service, and nothing taken whose unit is not told.
import { convertListedPrice, convertMappedPrice } from './convert-prices.ts';

describe('a price that models.dev lists', () => {
  it('keeps its text, by our classes', () => {
    expect(
      convertListedPrice({
        ...{ input: '5', output: '30', cache_read: '0.50', cache_write: '6.25' },
        ...{ reasoning: '31', input_audio: '7', output_audio: '8' },
        tiers: [{ input: '10', output: '45', tier: { size: '272000' } }],
      }),
    ).toEqual({
      price: {
        price: {
          ...{ input: '5', output: '30', cacheRead: '0.5', cacheWrite: '6.25' },
          ...{ reasoning: '31', audioInput: '7', audioOutput: '8' },
        },
        tiers: [{ aboveInputTokens: 272_000, price: { input: '10', output: '45' } }],
      },
      roundings: [],
    });
  });

  it('is rounded to whole picodollars per token, and says so', () => {
    expect(convertListedPrice({ input: '0.049999999999999996', output: '0.1' })).toEqual({
      price: { price: { input: '0.05', output: '0.1' } },
      roundings: ['input: 0.049999999999999996 → 0.05'],
    });
  });

  it.each([
    [{ input: '1', output: '2', request: '5' }, 'a price of "request", whose unit is not told'],
    [{ input: '-1', output: '2' }, 'a negative price of input'],
  ])('is not taken where it cannot be understood: %j', (cost, unit) =>
    expect(convertListedPrice(cost)).toEqual({ unit }),
  );
});

describe('a price of LiteLLM’s map', () => {
  it('goes from USD per token to USD per million, with its tiers', () => {
    expect(
      convertMappedPrice({
        ...{ input_cost_per_token: '0.000005', output_cost_per_token: '3e-05' },
        ...{ cache_creation_input_token_cost_above_1hr: '0.00001', input_cost_per_token_above_272k_tokens: '1e-5' },
        ...{ input_cost_per_token_flex: '0.0000025', output_cost_per_token_flex: '0.000015' },
        ...{ input_cost_per_token_batches: '0.0000025', input_cost_per_token_priority: '0.00001' },
        input_cost_per_token_above_272k_tokens_priority: '0.00002',
        search_context_cost_per_query: { search_context_size_low: '0.01' },
      }),
    ).toEqual({
      price: {
        price: { input: '5', output: '30', cacheWrite1h: '10' },
        tiers: [{ aboveInputTokens: 272_000, price: { input: '10' } }],
        serviceTiers: {
          flex: { price: { input: '2.5', output: '15' } },
          batch: { price: { input: '2.5' } },
          priority: { price: { input: '10' }, tiers: [{ aboveInputTokens: 272_000, price: { input: '20' } }] },
        },
      },
      roundings: [],
    });
  });

  it('counts a search of a reranker as a request, and an image once', () => {
    expect(convertMappedPrice({ input_cost_per_query: '0.002', input_cost_per_token: '0' })).toMatchObject({
      price: { price: { request: '0.002', input: '0' } },
    });
    expect(convertMappedPrice({ output_cost_per_image: '0.04' })).toMatchObject({
      price: { price: { outputImages: '0.04' } },
    });
    expect(
      convertMappedPrice({ output_cost_per_image: '0.039', output_cost_per_image_token: '0.00003' }),
    ).toMatchObject({ price: { price: { imageOutput: '30' } } });
  });

  it.each([
    ['0', 'is none'],
    ['0.0001', 'is the same one'],
  ])('counts the seconds of what listens once: the second price of %s %s', (echo) => {
    const entry = { mode: 'audio_transcription', input_cost_per_second: '0.0001', output_cost_per_second: echo };
    expect(convertMappedPrice(entry)).toEqual({ price: { price: { seconds: '0.0001' } }, roundings: [] });
  });

  it.each([
    [
      { mode: 'audio_transcription', input_cost_per_second: '0', output_cost_per_second: '0.0001' },
      'a price by output_cost_per_second',
    ],
    [{ input_cost_per_second: '0.0001', output_cost_per_second: '0' }, 'a price by input_cost_per_second'],
    [{ input_cost_per_character: '0.000015' }, 'a price by input_cost_per_character'],
    [{ input_cost_per_token: '0' }, 'no price that is not zero'],
    [{ input_cost_per_token: '0.135' }, 'input for 135000 USD per million tokens, which nobody asks'],
  ])('is not taken by a unit that nobody counts: %j', (entry, unit) =>
    expect(convertMappedPrice(entry)).toEqual({ unit }),
  );
});
