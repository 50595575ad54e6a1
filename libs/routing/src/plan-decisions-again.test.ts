// Kept decisions under other circumstances, one line a case; and what differences come to.
import type { DecisionChange, DecisionRecorded, EndpointEntry, ProviderEntry } from '@waystation/contracts';
import type { RoutingWorld } from './decision-inputs.js';
import { againUnder } from './plan-decisions-again.js';
import { readPrices } from './read-prices.js';
import { sumDifferences } from './sum-differences.js';

const stamp = { v: 1 as const, version: 1 };
const priceVersion = `price-${'0'.repeat(32)}`;
const provider = (slug: string): ProviderEntry => ({
  ...{ ...stamp, slug, name: slug, dialect: 'd', baseUrl: 'https://example.com', allowPrivateAddress: false },
  ...{ credentialId: 'c', dataPolicy: { retains: slug === 'cheap', trains: false }, billsAfterCancel: false },
});
/** Picodollars per token. */
const PRICES: Readonly<Record<string, string>> = { cheap: '10', middle: '20', dear: '30' };
const endpoint = (slug: string, price = PRICES[slug] ?? '0'): EndpointEntry => ({
  ...{ ...stamp, id: `lab/one@${slug}`, model: 'lab/one', provider: slug, tag: slug, upstreamModel: 'm' },
  ...{ apis: ['chat'], context: 1000, inputModalities: ['text'], outputModalities: ['text'], supportedParameters: [] },
  ...{ priceVersion, price: { perUnit: { input: price, output: price } }, enabled: true },
});
const worldOf = (...endpoints: EndpointEntry[]): RoutingWorld => ({
  catalog: {
    revision: 9,
    providers: new Map(Object.keys(PRICES).map((slug) => [slug, provider(slug)])),
    models: new Map(),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  },
  policies: new Map([['p', { ...stamp, id: 'p', ignoredProviders: ['middle'] }]]),
  ownKeys: [],
});
const ALL = Object.keys(PRICES).map((slug) => endpoint(slug));
const attemptAt = (slug: string) => ({
  ...{ endpointId: `lab/one@${slug}`, model: 'lab/one', provider: slug, providerName: slug, priceVersion, byok: false },
  price: endpoint(slug).price,
});
/** The cheapest first; `middle` is ignored by the policy. 100 tokens with a markup of 10 %. */
const decision: DecisionRecorded = {
  ...{ kind: 'decision.recorded', v: 1, generationId: 'gen-1700000000-00000000000000000000', createdAt: 1 },
  ...{ identity: { workspaceId: 'w', keyHash: '0'.repeat(64) }, because: 'asked', models: ['lab/one'] },
  ...{ preferences: { sort: { by: 'price' } }, policyIds: ['p'], tried: [], markupPpm: 100_000 },
  features: {
    ...{ api: 'chat', dialect: 'd', stream: false, bodyBytes: 1, inputTokensEstimate: 1, parameters: [] },
    ...{ inputModalities: ['text'], outputModalities: ['text'], toolCount: 0, messageCount: 1 },
  },
  plan: { attempts: ['cheap', 'dear'].map(attemptAt), excluded: [], snapshotRevision: 9, strategy: 'price' },
  inputs: {
    ...{ nowMs: 1, revision: 9, endpoints: ALL, models: [], providers: Object.keys(PRICES).map(provider), ownKeys: [] },
    policies: [{ ...stamp, id: 'p', ignoredProviders: ['middle'] }],
    ...{ health: [], refused: [], full: [], overrides: [] },
  },
  served: {
    ...{ endpointId: 'lab/one@cheap', outcome: 'completed', usage: { input: 60, output: 40 } },
    ...{ usageSource: 'provider', costPicodollars: '1100' },
  },
};

const again = (change: DecisionChange, present?: RoutingWorld, over: Partial<DecisionRecorded> = {}) => {
  const read = readPrices(change.prices);
  if ('fault' in read) throw new Error(read.fault);
  return againUnder(change, present, read.prices)({ ...decision, ...over });
};
const served = (slug: string): Partial<DecisionRecorded> => ({
  served: { ...decision.served, endpointId: `lab/one@${slug}`, outcome: 'completed' },
});

test.each<[string, DecisionChange, RoutingWorld | undefined, string, string | undefined, string | undefined]>([
  ['nothing else', {}, undefined, 'same', 'cheap', '0'],
  ['the same present', {}, worldOf(...ALL), 'same', 'cheap', '0'],
  ['without the provider', { exclude_providers: ['cheap'] }, undefined, 'moved', 'dear', '2200'],
  [
    'without the provider, by its name in capitals',
    { exclude_providers: ['CHEAP'] },
    undefined,
    'moved',
    'dear',
    '2200',
  ],
  [
    'another policy, in place of the one that ignores',
    { policy: { enforce_zdr: true } },
    undefined,
    'moved',
    'middle',
    '1100',
  ],
  [
    'zero retention for models of this author',
    { policy: { enforce_zdr_other: true } },
    undefined,
    'moved',
    'middle',
    '1100',
  ],
  ['zero retention for models of another', { policy: { enforce_zdr_xai: true } }, undefined, 'same', 'cheap', '0'],
  ['a policy that leaves nobody', { policy: { allowed_providers: ['x'] } }, undefined, 'refused', undefined, undefined],
  ['the endpoint as if down', { down: ['lab/one@cheap'] }, undefined, 'moved', 'dear', '2200'],
  ['an endpoint down that is not wanted', { down: ['lab/one@dear'] }, undefined, 'same', 'cheap', '0'],
  [
    'another that is cheaper',
    { prices: { 'lab/one@dear': { input: '0.000001', output: '0.000001' } } },
    undefined,
    'moved',
    'dear',
    '-990',
  ],
  [
    'the same, dearer',
    { prices: { 'lab/one@cheap': { input: '0.000011', output: '0.000011' } } },
    undefined,
    'same',
    'cheap',
    '110',
  ],
  ['a present without it', {}, worldOf(endpoint('dear')), 'moved', 'dear', '2200'],
  ['a present in which it is dearer', {}, worldOf(endpoint('cheap', '25'), endpoint('dear')), 'same', 'cheap', '1650'],
])('with %s', (_, change, present, result, after, difference) => {
  const told = again(change, present);
  expect([told.result, told.after?.provider, told.difference]).toEqual([result, after, difference]);
  expect(told.because === undefined).toBe(result === 'same');
});

test('whoever came before the one that served is passed over again', () => {
  expect(again({}, undefined, served('dear'))).toMatchObject({ result: 'same', after: { provider: 'dear' } });
  expect(again({ exclude_providers: ['dear'] }, undefined, served('dear'))).toMatchObject({ result: 'refused' });
  expect(again({ policy: {} }, undefined, served('dear'))).toMatchObject({
    result: 'moved',
    after: { provider: 'middle' },
  });
});

const kept = (over: Partial<NonNullable<DecisionRecorded['inputs']>>): Partial<DecisionRecorded> => ({
  ...(decision.inputs === undefined ? {} : { inputs: { ...decision.inputs, ...over } }),
});

test('an endpoint that was out is out again, unless nothing had ever failed', () => {
  const over = {
    ...kept({ health: [{ endpointId: 'lab/one@cheap', state: 'out' }] }),
    plan: { ...decision.plan, attempts: [attemptAt('dear')] },
    served: { ...decision.served, endpointId: 'lab/one@dear', outcome: 'completed' as const, costPicodollars: '3300' },
  };
  expect(again({}, undefined, over)).toMatchObject({ result: 'same', after: { provider: 'dear' } });
  expect(again({ health: 'stable' }, undefined, over)).toMatchObject({
    ...{ result: 'moved', after: { provider: 'cheap' }, difference: '-2200' },
  });
  expect(again({ down: ['lab/one@dear'] }, undefined, over)).toMatchObject({
    ...{ result: 'refused', because: expect.stringMatching(/^Too many calls to it failed/) },
  });
});

test('an own key that was refused comes last again, unless no key had been refused', () => {
  const ownKey = { ...stamp, id: 'own', workspaceId: 'w', provider: 'dear', sortOrder: 0 };
  const over = kept({
    ownKeys: [{ ...ownKey, disabled: false, isFallback: false, alwaysUse: false }],
    refused: ['own'],
  });
  expect(again({}, undefined, over)).toMatchObject({ result: 'same', after: { provider: 'cheap', byok: false } });
  expect(again({ health: 'stable' }, undefined, over)).toMatchObject({
    ...{ result: 'moved', after: { provider: 'dear', byok: true } },
  });
});

test('against a present in which it has another key, a refused key of the station is held against it no longer', () => {
  const over = kept({ refused: ['c'] });
  const presentWith = (changed: ProviderEntry): RoutingWorld => {
    const world = worldOf(endpoint('cheap'), endpoint('dear'));
    const providers = new Map([provider('cheap'), changed].map((each) => [each.slug, each]));
    return { ...world, catalog: { ...world.catalog, providers } };
  };
  expect(again({}, presentWith(provider('dear')), over)).toMatchObject({
    result: 'same',
    after: { provider: 'cheap' },
  });
  expect(again({}, presentWith({ ...provider('dear'), credentialId: 'new' }), over)).toMatchObject({
    ...{ result: 'moved', after: { provider: 'dear' }, because: expect.stringMatching(/refuses the key/) },
  });
});

test('how quick endpoints were is what sorts by speed go by again, whatever else is changed', () => {
  const over = {
    ...kept({
      health: [
        {
          ...{ endpointId: 'lab/one@dear', state: 'degraded' as const },
          figures: { latencyMs: { p50: 10 }, throughput: {} },
        },
        {
          ...{ endpointId: 'lab/one@cheap', state: 'stable' as const },
          figures: { latencyMs: { p50: 90 }, throughput: {} },
        },
      ],
    }),
    ...{ preferences: { sort: { by: 'latency' as const } }, ...served('dear') },
    plan: { ...decision.plan, attempts: ['dear', 'cheap'].map(attemptAt) },
  };
  expect(again({}, undefined, over)).toMatchObject({ result: 'same', after: { provider: 'dear' } });
  expect(again({ health: 'stable' }, undefined, over)).toMatchObject({ result: 'same', after: { provider: 'dear' } });
  expect(again({ down: ['lab/one@dear'] }, undefined, over)).toMatchObject({ after: { provider: 'cheap' } });
});

test('a call that nobody served would be served by whom the plan did not name', () => {
  expect(again({}, undefined, { served: undefined })).toMatchObject({ result: 'same' });
  const told = again({ policy: {} }, undefined, { served: undefined });
  expect(told).toMatchObject({ result: 'moved', after: { provider: 'middle' }, because: 'Nobody had served it.' });
  expect([told.costBefore, told.costAfter]).toEqual([undefined, undefined]);
});

test('what cannot be planned again says why', () => {
  expect(again({}, undefined, { inputs: undefined })).toMatchObject({
    ...{ result: 'unplanned', because: 'What it was made from was too large to keep.' },
  });
  expect(again({}, worldOf(...ALL), { inputs: undefined })).toMatchObject({ result: 'same' });
  expect(again({}, { ...worldOf(...ALL), policies: new Map() })).toMatchObject({
    ...{ result: 'unplanned', because: 'Policy p is not there any more.' },
  });
});

test.each([
  [{ words: '1' }, /the words price has no unit; known are input/],
  [{ input: '-1' }, /the input price is negative/],
  [{ input: '1.0000001' }, /the input price is finer than a picodollar/],
])('prices that cannot be charged are refused: %j', (prices, fault) => {
  expect(readPrices({ 'lab/one@a': prices })).toEqual({ fault: expect.stringMatching(fault) });
});

test('sums are of what has a cost on both sides, and the most affected key comes first', () => {
  const other = { identity: { workspaceId: 'w', keyHash: '1'.repeat(64) } };
  const rows = [
    again({ exclude_providers: ['cheap'] }),
    again({ policy: { allowed_providers: ['x'] } }, undefined, other),
    again({ exclude_providers: ['cheap'] }, undefined, other),
  ];
  const { all, byKey } = sumDifferences(rows);
  expect(all).toEqual({
    ...{ decisions: 3, moved: 2, refused: 1, unplanned: 0, priced: 2 },
    costBefore: 2200n,
    costAfter: 6600n,
  });
  expect(byKey.map(({ keyHash, sums }) => [keyHash.charAt(0), sums.decisions])).toEqual([
    ['1', 2],
    ['0', 1],
  ]);
});
