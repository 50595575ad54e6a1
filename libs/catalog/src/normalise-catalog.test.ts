// Sources become a catalog that is exact, whole and acceptable to the contracts, or every fault is told.
import type { ModelQuality } from '@waystation/contracts';
import { createHash } from 'node:crypto';
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
const NOW = Date.UTC(2026, 10, 26);
const normalise = (...sources: ProviderSource[]) =>
  normaliseCatalog(
    sources.map((source) => ({ source, locate })),
    sha256hex,
    NOW,
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

  it.each<[string, (boolean | undefined)[], boolean | undefined]>([
    ['nobody says so', [undefined, undefined], undefined],
    ['one of its providers says so', [undefined, true], true],
    ['its providers differ', [true, false], false],
    ['all say so', [true, true], true],
  ])('lets a model be distilled where %s: %j → %s', (_name, said, distillable) => {
    const { models } = normalise(
      ...said.map((each, index) => ({
        ...{ ...lab, slug: `lab-${index}` },
        endpoints: [{ ...endpoint, ...(each === undefined ? {} : { distillable: each }) }],
      })),
    );
    expect(models.map((each) => each.distillable)).toEqual([distillable]);
  });

  it.each<[string, (ModelQuality | undefined)[], ModelQuality | undefined]>([
    ['nobody gives any', [undefined, undefined], undefined],
    ['one of its providers gives one', [undefined, { coding: 0.7 }], { coding: 0.7 }],
    ['its providers differ', [{ coding: 0.7, general: 0.5 }, { coding: 0.6 }], { coding: 0.6, general: 0.5 }],
    ['it is nothing', [{ coding: 0 }, {}], { coding: 0 }],
  ])('has a figure of quality where %s: %j → %j', (_name, said, quality) => {
    const { models } = normalise(
      ...said.map((each, index) => ({
        ...{ ...lab, slug: `lab-${index}` },
        endpoints: [{ ...endpoint, ...(each === undefined ? {} : { quality: each }) }],
      })),
    );
    expect(models.map((each) => each.quality)).toEqual([quality]);
  });

  it('rounds what is finer than a picodollar and reports it', () => {
    const { endpoints, roundings } = normalise({
      ...lab,
      endpoints: [{ ...endpoint, price: { input: '0.0833333', output: '1' } }],
    });
    expect(endpoints[0]?.price.perUnit['input']).toBe('83333');
    expect(roundings).toEqual(['endpoints.0.price.input: the input price 0.0833333 is rounded to 83333 picodollars']);
  });

  it('prices tiers of size and service tiers, each whole', () => {
    const { endpoints, faults } = normalise({
      ...lab,
      endpoints: [
        {
          ...endpoint,
          price: { input: '1', output: '2', request: '0.01', inputImages: '0.002' },
          tiers: [{ aboveInputTokens: 200_000, price: { input: '2', output: '3' } }],
          serviceTiers: { flex: { price: { input: '0.5', output: '1' } } },
        },
      ],
    });
    expect(faults).toEqual([]);
    expect(endpoints[0]?.price).toEqual({
      perUnit: { input: '1000000', output: '2000000', inputImages: '2000000000' },
      perRequest: '10000000000',
      tiers: [{ aboveInputTokens: 200_000, perUnit: { input: '2000000', output: '3000000' } }],
      serviceTiers: { flex: { perUnit: { input: '500000', output: '1000000' } } },
    });
  });

  it('refuses prices that nobody can mean, each where it is', () => {
    const { faults } = normalise({
      ...lab,
      endpoints: [
        {
          ...endpoint,
          price: { input: '0.1234567890123', output: '1', tokens: '2' },
          tiers: [
            { aboveInputTokens: 5, price: { input: '1', output: '1', request: '1' } },
            { aboveInputTokens: 5, price: { input: '1', output: '1' } },
          ],
          serviceTiers: {
            default: { price: { input: '1', output: '1' } },
            flex: { price: { input: '-1', output: '1' } },
          },
          priceChanges: [
            { effectiveAtMs: NOW, price: { input: '1', output: 'x' } },
            { effectiveAtMs: NOW, price: { input: '1', output: '1' } },
          ],
        },
      ],
    });
    expect(faults).toEqual([
      'endpoints.0.price.input: the input price has more than 12 decimals (0.1234567890123)',
      expect.stringMatching(/^endpoints\.0\.price\.tokens: the tokens price has no unit; known are input, /),
      'endpoints.0.tiers.0.price.request: the request price does not change with the prompt; it stands in the price itself',
      'endpoints.0.tiers.1.aboveInputTokens: there is another tier above 5 tokens',
      'endpoints.0.serviceTiers.default: "default" is no tier of its own: it costs what the price itself says',
      'endpoints.0.serviceTiers.flex.price.input: the input price is negative (-1)',
      'endpoints.0.priceChanges.0.price.output: the output price is not a plain decimal amount such as "0.15" (x)',
      'endpoints.0.priceChanges.1.effectiveAt: another price holds from 2026-11-26T00:00:00.000Z on',
    ]);
  });

  test.each<[string, number[], string, (number | undefined)[]]>([
    ['the only one', [], '1000000', [undefined]],
    ['the first, until the time of a change comes', [1], '1000000', [undefined, 1]],
    ['the change, from its very millisecond on', [0], '2000000', [0]],
    ['the latest whose time has come, in whatever order they stand', [5, -1, -3], '3000000', [-1, 5]],
  ])('the price in force is %s', (_name, changes, input, known) => {
    const { endpoints, prices } = normalise({
      ...lab,
      endpoints: [
        {
          ...endpoint,
          price: { input: '1', output: '1' },
          priceChanges: changes.map((offset, index) => ({
            effectiveAtMs: NOW + offset,
            price: { input: `${index + 2}`, output: '1' },
          })),
        },
      ],
    });
    expect(endpoints[0]?.price.perUnit['input']).toBe(input);
    expect(prices.map(({ effectiveAtMs }) => effectiveAtMs)).toEqual(
      known.map((offset) => (offset === undefined ? undefined : NOW + offset)),
    );
    expect(prices[0]).toMatchObject({ endpointId: 'lab/small@lab', version: endpoints[0]?.priceVersion });
    expect(prices.map(({ inForce }) => inForce)).toEqual(known.map((_, index) => index === 0));
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
