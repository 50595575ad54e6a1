// Prices as the reference API shows them: text, USD per unit, exact, and nothing that a reader could misunderstand.
import { pricing } from './model-info.js';

describe('the price of an endpoint', () => {
  it('names every class that has a price, per token and per piece', () => {
    expect(
      pricing({
        perUnit: { input: '150000', output: '600000', cacheRead: '75000', reasoning: '1', inputImages: '2000000000' },
        perRequest: '10000000000',
      }),
    ).toEqual({
      prompt: '0.00000015',
      completion: '0.0000006',
      input_cache_read: '0.000000075',
      internal_reasoning: '0.000000000001',
      image: '0.002',
      request: '0.01',
    });
  });

  it('spells out what a larger prompt costs, since a class that its tier does not name is not inherited', () => {
    const { overrides } = pricing({
      perUnit: { input: '10', output: '40', cacheRead: '1' },
      tiers: [
        { aboveInputTokens: 200, perUnit: { input: '30', output: '90', cacheRead: '3' } },
        { aboveInputTokens: 100, perUnit: { input: '20', output: '60' } },
      ],
    });
    expect(overrides).toEqual([
      {
        min_prompt_tokens: 100,
        prompt: '0.00000000002',
        completion: '0.00000000006',
        input_cache_read: '0.00000000002',
      },
      {
        min_prompt_tokens: 200,
        prompt: '0.00000000003',
        completion: '0.00000000009',
        input_cache_read: '0.000000000003',
      },
    ]);
  });

  it('tells the prices of service tiers', () => {
    const { service_tiers: tiers } = pricing({
      perUnit: { input: '10', output: '40' },
      serviceTiers: { flex: { perUnit: { input: '5', output: '20' } } },
    });
    expect(tiers).toEqual({
      flex: { prompt: '0.000000000005', completion: '0.00000000002', request: '0', image: '0' },
    });
  });
});
