// What an operator may change of a provider of the catalog, and how a slip is told.
import { extendProvider, type ProviderExtension } from './extend-provider.js';
import type { ProviderSource } from './provider-source.js';

const lab: ProviderSource = {
  ...{ slug: 'lab', name: 'The lab', dialect: 'openai-chat', baseUrl: 'https://api.lab.example/v1' },
  ...{ allowPrivateAddress: false, credential: { kind: 'bearer' } },
  endpoints: [
    {
      ...{ model: 'lab/small', upstreamModel: 's', context: 1000, price: { input: '1', output: '2' } },
      tiers: [{ aboveInputTokens: 100, price: { input: '2', output: '4' } }],
    },
    { model: 'lab/small', tagSuffix: 'eu', upstreamModel: 's-eu', context: 1000, price: { input: '3', output: '4' } },
    { model: 'lab/large', upstreamModel: 'l', context: 9000, price: { input: '5', output: '6' } },
  ],
};
const extended = (extension: Omit<ProviderExtension, 'slug'>): ProviderSource => {
  const result = extendProvider(lab, { slug: 'lab', ...extension });
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.source;
};

describe('an extended provider', () => {
  it('is the catalog’s where nothing is said', () => expect(extended({})).toEqual(lab));

  it('has another address, and the rest of the catalog', () =>
    expect(extended({ baseUrl: 'http://10.0.0.1/v1', allowPrivateAddress: true })).toEqual({
      ...lab,
      baseUrl: 'http://10.0.0.1/v1',
      allowPrivateAddress: true,
    }));

  it('offers only the models that are named, in every variant', () =>
    expect(extended({ models: ['lab/small'] }).endpoints.map(({ upstreamModel }) => upstreamModel)).toEqual([
      's',
      's-eu',
    ]));

  it('takes a price whole: no tier of the catalog stays beside it', () => {
    const { endpoints } = extended({ endpoints: [{ model: 'lab/small', price: { input: '7', output: '8' } }] });
    expect(endpoints[0]).toEqual({
      ...{ model: 'lab/small', upstreamModel: 's', context: 1000, price: { input: '7', output: '8' } },
    });
    expect(endpoints.slice(1)).toEqual(lab.endpoints.slice(1));
  });

  it('keeps the price where something else is changed', () =>
    expect(extended({ endpoints: [{ model: 'lab/small', maxOutput: 5 }] }).endpoints[0]).toEqual({
      ...lab.endpoints[0],
      maxOutput: 5,
    }));

  it('may offer more than the catalog knows', () =>
    expect(
      extended({ endpoints: [{ model: 'lab/new', context: 5, price: { input: '1', output: '1' } }] }).endpoints.at(-1),
    ).toEqual({ model: 'lab/new', upstreamModel: 'lab/new', context: 5, price: { input: '1', output: '1' } }));

  it('tells what the catalog does not know, each where it stands', () =>
    expect(
      extendProvider(lab, {
        slug: 'lab',
        models: ['lab/small', 'lab/huge'],
        endpoints: [{ model: 'lab/new', context: 5 }],
      }),
    ).toEqual({
      faults: [
        { path: ['models', 1], problem: '"lab/huge" is not offered by lab in the catalog' },
        {
          path: ['endpoints', 0, 'model'],
          problem: '"lab/new" is not offered by it in the catalog, so it needs context and price of its own',
        },
      ],
    }));
});
