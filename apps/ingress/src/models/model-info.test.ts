// Prices as the reference API shows them: text, USD per unit, exact, and nothing that a reader could misunderstand.
import type { EndpointEntry, ModelEntry, ProviderEntry } from '@waystation/contracts';
import { createHealthBoard } from '@waystation/routing';
import { statisticsInfo } from './endpoint-statistics.js';
import { listModels, listProviders, listZdrEndpoints, pricing } from './model-info.js';

const live = statisticsInfo(createHealthBoard().statisticsOf('none', 0), true);

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

describe('a catalog as it is shown', () => {
  const stamp = { v: 1 as const, version: 1 };
  const provider = (slug: string, retains: boolean, source?: string): [string, ProviderEntry] => [
    slug,
    {
      ...{ ...stamp, slug, name: slug.toUpperCase(), dialect: 'openai-chat', baseUrl: 'https://x.example' },
      ...{ allowPrivateAddress: false, billsAfterCancel: true },
      dataPolicy: { retains, trains: false, ...(source === undefined ? {} : { source }) },
    },
  ];
  const model: ModelEntry = {
    ...{ ...stamp, id: 'lab/small', name: 'Small', created: 0, context: 10 },
    ...{ inputModalities: ['text'], outputModalities: ['text'] },
  };
  const endpoint = (of: string, more: Partial<EndpointEntry> = {}): [string, EndpointEntry] => [
    `lab/small@${more.tag ?? of}`,
    {
      ...{ ...stamp, id: `lab/small@${of}`, model: 'lab/small', provider: of, tag: of, upstreamModel: 's' },
      ...{ apis: ['chat'], context: 10, inputModalities: ['text'], outputModalities: ['text'] },
      ...{ supportedParameters: [], priceVersion: `price-${'0'.repeat(32)}`, price: { perUnit: {} }, enabled: true },
      ...more,
    },
  ];
  const keeps = { retains: true, trains: true };
  const catalog = {
    providers: new Map([
      provider('keeps', true),
      provider('forgets', false, 'https://forgets.example/data'),
      provider('idle', false),
    ]),
    models: new Map([[model.id, model]]),
    endpoints: new Map([
      endpoint('keeps'),
      endpoint('forgets'),
      endpoint('forgets', { tag: 'forgets/passed-on', dataPolicy: keeps }),
      endpoint('keeps', { tag: 'keeps/apart', dataPolicy: { retains: false, trains: false } }),
      endpoint('idle', { enabled: false }),
    ]),
    revision: 1,
  };

  it('lists for zero retention what keeps nothing: the endpoint’s own word goes before its provider’s', () =>
    expect(listZdrEndpoints(catalog, () => live).map(({ tag }) => tag)).toEqual(['forgets', 'keeps/apart']));

  it('names only providers that offer something, with the page on data that is known', () =>
    expect(listProviders(catalog).map(({ slug, privacy_policy_url }) => [slug, privacy_policy_url])).toEqual([
      ['forgets', 'https://forgets.example/data'],
      ['keeps', null],
    ]));

  it('lists a model once, however many offer it', () =>
    expect(listModels(catalog).map(({ info }) => info.id)).toEqual(['lab/small']));
});
