// Sources become a catalog that is exact, whole and acceptable to the contracts, or every fault is told.
import { createHash } from 'node:crypto';
import { SNAPSHOT_KEYS, endpointEntry, modelEntry, providerEntry } from '@waystation/contracts';
import { BUILTIN_PROVIDERS } from './builtin-providers.js';
import { normaliseCatalog } from './normalise-catalog.js';
import type { EndpointSource, ProviderSource } from './provider-source.js';

const sha256hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const locate = (path: readonly (string | number)[]): string => path.join('.');
const endpoint: EndpointSource = {
  model: 'lab/small',
  upstreamModel: 'm',
  context: 128_000,
  price: { input: '0.15', output: '0.60' },
};
const lab: ProviderSource = {
  slug: 'lab',
  dialect: 'openai-chat',
  baseUrl: 'http://127.0.0.1:9100/v1/',
  allowPrivateAddress: true,
  credential: { kind: 'bearer' },
  endpoints: [endpoint],
};
const normalise = (...sources: ProviderSource[]) =>
  normaliseCatalog(
    sources.map((source) => ({ source, locate })),
    sha256hex,
  );

describe('a catalog made of sources', () => {
  it('prices each endpoint in picodollars per token, under the version that the prices hash to', () => {
    const { endpoints, faults, roundings } = normalise({
      ...lab,
      endpoints: [{ ...endpoint, price: { input: '0.15', output: '0.60', cacheRead: '0.075', request: '0.001' } }],
    });
    expect(faults).toEqual([]);
    expect(roundings).toEqual([]);
    expect(endpoints[0]).toMatchObject({
      id: 'lab/small@lab',
      tag: 'lab',
      price: { perUnit: { input: '150000', output: '600000', cacheRead: '75000' }, perRequest: '1000000000' },
    });
    expect(endpoints[0]?.priceVersion).toMatch(/^price-[0-9a-f]{32}$/);
    expect(normalise(lab).endpoints[0]?.priceVersion).not.toBe(endpoints[0]?.priceVersion);
  });

  it('tells every fault, each where it is', () => {
    const { faults, endpoints } = normalise(
      { ...lab, endpoints: [{ ...endpoint, price: { input: '-1', output: 'cheap' } }, endpoint, endpoint] },
      { ...lab, baseUrl: 'http://other' },
    );
    expect(faults).toEqual([
      'endpoints.0.price.input: the input price is negative (-1)',
      'endpoints.0.price.output: the output price is not a plain decimal amount such as "0.15" (cheap)',
      'endpoints.2.model: provider "lab" offers model "lab/small" twice',
      'slug: provider "lab" is there twice',
    ]);
    expect(endpoints).toHaveLength(1);
  });

  it('rounds what is finer than a picodollar and reports it', () => {
    const { endpoints, roundings } = normalise({
      ...lab,
      endpoints: [{ ...endpoint, price: { input: '0.0833333', output: '1' } }],
    });
    expect(endpoints[0]?.price.perUnit['input']).toBe('83333');
    expect(roundings).toEqual(['endpoints.0.price.input: the input price 0.0833333 is rounded to 83333 picodollars']);
  });

  it('takes an unknown data policy as the strictest, and an unknown provider as one that goes on billing', () => {
    expect(normalise(lab).providers[0]).toMatchObject({
      dataPolicy: { retains: true, trains: true },
      billsAfterCancel: true,
      baseUrl: 'http://127.0.0.1:9100/v1',
    });
    expect(normalise({ ...lab, slug: 'openai' }).providers[0]?.billsAfterCancel).toBe(false);
  });

  it('says of a model what its endpoints say together', () => {
    const { models } = normalise(lab, {
      ...lab,
      slug: 'other',
      endpoints: [
        { ...endpoint, context: 200_000, inputModalities: ['text', 'image'], modelName: 'Small', created: 7 },
      ],
    });
    expect(models).toEqual([
      {
        id: 'lab/small',
        name: 'Small',
        created: 7,
        context: 200_000,
        inputModalities: ['text', 'image'],
        outputModalities: ['text'],
      },
    ]);
  });
});

describe('the built-in providers', () => {
  const catalog = normalise(...BUILTIN_PROVIDERS.map(({ source }) => source));

  it('are whole, exact and acceptable to the contracts', () => {
    expect(catalog.faults).toEqual([]);
    expect(catalog.roundings).toEqual([]);
    const stamp = { v: 1 as const, version: 1 };
    for (const provider of catalog.providers) providerEntry.parse({ ...stamp, ...provider });
    for (const model of catalog.models) modelEntry.parse({ ...stamp, ...model });
    for (const each of catalog.endpoints) endpointEntry.parse({ ...stamp, ...each });
  });

  it('never allow a private address', () => {
    expect(
      catalog.providers.every((provider) => !provider.allowPrivateAddress && provider.baseUrl.startsWith('https://')),
    ).toBe(true);
  });

  it('have ids whose KV keys are plain', () => {
    for (const each of catalog.endpoints) expect(SNAPSHOT_KEYS.endpoint(each.id)).toMatch(/^endpoint\.[a-z0-9_-]+$/);
  });
});
