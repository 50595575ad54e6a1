// Every rule that excludes and every order, one line a case.
import type {
  EndpointEntry,
  OwnKeyEntry,
  ProviderEntry,
  ProviderPreferences,
  RouteFeatures,
  RoutePlanRequest,
} from '@waystation/contracts';
import { NO_RULES, rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import { createHealthBoard, type HealthBoard } from './health.js';
import { boardWith, type Heard } from './test-health.js';
import { indexOwnKeys } from './own-keys.js';
import { MAX_ATTEMPTS, planRoute } from './plan-route.js';
import { buildRoutingIndex, type RoutingIndex } from './routing-index.js';

const stamp = { v: 1 as const, version: 1 };
const NOW = 1_700_000_000_000;

const provider = (slug: string, more: Partial<ProviderEntry> = {}): ProviderEntry => ({
  ...stamp,
  slug,
  name: slug,
  dialect: 'openai-chat',
  baseUrl: 'https://example.com',
  allowPrivateAddress: false,
  credentialId: `operator-${slug}`,
  dataPolicy: { retains: false, trains: false, region: 'us' },
  billsAfterCancel: false,
  ...more,
});
const endpoint = (slug: string, more: Partial<EndpointEntry> = {}): EndpointEntry => {
  const model = more.model ?? 'lab/one';
  const tag = more.tag ?? slug;
  return {
    ...stamp,
    id: `${model}@${tag}`,
    model,
    provider: slug,
    tag,
    upstreamModel: 'm',
    apis: ['chat'],
    context: 100_000,
    inputModalities: ['text'],
    outputModalities: ['text'],
    supportedParameters: ['temperature', 'max_tokens', 'tools'],
    priceVersion: `price-${'0'.repeat(32)}`,
    price: { perUnit: { input: '100', output: '200' } },
    enabled: true,
    ...more,
  };
};
const indexOf = (
  endpoints: readonly EndpointEntry[],
  providers: readonly ProviderEntry[] = [...new Set(endpoints.map((each) => each.provider))].map((slug) =>
    provider(slug),
  ),
): RoutingIndex =>
  buildRoutingIndex({
    revision: 7,
    providers: new Map(providers.map((each) => [each.slug, each])),
    models: new Map(),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  });
const features = (more: Partial<RouteFeatures> = {}): RouteFeatures => ({
  api: 'chat',
  dialect: 'openai-chat',
  stream: true,
  bodyBytes: 100,
  inputTokensEstimate: 20,
  parameters: [],
  inputModalities: ['text'],
  outputModalities: ['text'],
  toolCount: 0,
  messageCount: 1,
  conversation: 'c',
  ...more,
});
const request = (
  preferences: ProviderPreferences = {},
  more: Partial<RouteFeatures> = {},
  models = ['lab/one'],
): RoutePlanRequest => ({
  v: 1,
  generationId: 'gen-1700000000-00000000000000000000',
  identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
  models,
  preferences,
  features: features(more),
});
const plan = (
  asked: RoutePlanRequest,
  index: RoutingIndex,
  options: { policy?: PolicyRules; health?: HealthBoard; ownKeys?: readonly OwnKeyEntry[] } = {},
) => {
  const reply = planRoute(
    asked,
    options.policy ?? NO_RULES,
    { index, health: options.health ?? createHealthBoard(), ownKeys: indexOwnKeys(options.ownKeys ?? []), nowMs: NOW },
    () => 0.5,
  );
  return {
    ...reply,
    tried: reply.attempts.map(({ endpointId }) => endpointId),
    out: Object.fromEntries(reply.excluded.map((each) => [each.endpointId ?? each.model, each.rule])),
  };
};

const abc = [
  endpoint('a'),
  endpoint('b', { price: { perUnit: { input: '300', output: '600' } } }),
  endpoint('c', { price: { perUnit: { input: '1000', output: '2000' } } }),
];

describe('a plan', () => {
  it('carries all that the ingress and the worker need', () => {
    const { attempts, snapshotRevision, strategy } = plan(
      request(),
      indexOf([endpoint('a', { maxOutput: 99, billsAfterCancel: true })]),
    );
    expect(attempts).toEqual([
      {
        endpointId: 'lab/one@a',
        model: 'lab/one',
        provider: 'a',
        providerName: 'a',
        dialect: 'openai-chat',
        upstreamModel: 'm',
        priceVersion: `price-${'0'.repeat(32)}`,
        price: { perUnit: { input: '100', output: '200' } },
        context: 100_000,
        maxOutput: 99,
        billsAfterCancel: true,
        showsOutput: true,
        credentialId: 'operator-a',
        byok: false,
      },
    ]);
    expect(snapshotRevision).toBe(7);
    expect(strategy).toBe('conversation');
  });

  it.each<[string, Partial<EndpointEntry>, true | undefined]>([
    ['that cannot reason shows what it makes', {}, true],
    ['that can reason may hide it', { supportedParameters: ['reasoning'] }, undefined],
    ['by any of the names of it', { supportedParameters: ['include_reasoning'] }, undefined],
    ['that is known to show its reasoning', { supportedParameters: ['reasoning'], showsOutput: true }, true],
    ['that is known to hide something', { showsOutput: false }, undefined],
  ])('tells of an endpoint %s', (_name, more, shows) => {
    expect(plan(request(), indexOf([endpoint('a', more)])).attempts[0]?.showsOutput).toBe(shows);
  });

  it.each<[string, EndpointEntry, Partial<ProviderEntry>, ProviderPreferences, Partial<RouteFeatures>, string]>([
    ['is disabled', endpoint('a', { enabled: false }), {}, {}, {}, 'disabled'],
    ['has no credential', endpoint('a'), { credentialId: undefined }, {}, {}, 'no_credential'],
    ['does not speak the api', endpoint('a', { apis: ['embeddings'] }), {}, {}, {}, 'api'],
    ['is not in only', endpoint('a'), {}, { only: ['b'] }, {}, 'not_in_only'],
    ['is ignored', endpoint('a'), {}, { ignore: ['A'] }, {}, 'ignored'],
    [
      'is not in order, without fallbacks',
      endpoint('a'),
      {},
      { order: ['b'], allowFallbacks: false },
      {},
      'not_in_order',
    ],
    [
      'trains',
      endpoint('a'),
      { dataPolicy: { retains: false, trains: true } },
      { dataCollection: 'deny' },
      {},
      'data_policy:training',
    ],
    ['retains', endpoint('a'), { dataPolicy: { retains: true, trains: false } }, { zdr: true }, {}, 'data_policy:zdr'],
    [
      'retains, though its provider does not',
      endpoint('a', { dataPolicy: { retains: true, trains: false } }),
      {},
      { zdr: true },
      {},
      'data_policy:zdr',
    ],
    [
      'is quantized otherwise',
      endpoint('a', { quantization: 'int4' }),
      {},
      { quantizations: ['fp8'] },
      {},
      'quantization',
    ],
    ['is quantized nobody knows how', endpoint('a'), {}, { quantizations: ['fp8'] }, {}, 'quantization'],
    ['takes no images', endpoint('a'), {}, {}, { inputModalities: ['text', 'image'] }, 'modality'],
    ['makes no audio', endpoint('a'), {}, {}, { outputModalities: ['audio'] }, 'modality'],
    ['is too small for the prompt', endpoint('a'), {}, {}, { inputTokensEstimate: 100_001 }, 'context_length'],
    [
      'is too small for the longest of several inputs',
      endpoint('a'),
      {},
      {},
      { inputTokensEstimate: 300_000, longestInputTokens: 100_001 },
      'context_length',
    ],
    ['writes too little', endpoint('a', { maxOutput: 10 }), {}, {}, { maxOutputTokens: 11 }, 'max_output'],
    [
      'lacks a required parameter',
      endpoint('a'),
      {},
      { requireParameters: true },
      { parameters: ['temperature', 'top_k'] },
      'require_parameters',
    ],
    ['is too dear', endpoint('a'), {}, { maxPrice: { completion: '199' } }, {}, 'max_price'],
  ])('leaves out an endpoint that %s, and says so', (_name, entry, providerMore, preferences, more, rule) => {
    const providerEntry = { ...provider('a'), ...providerMore };
    if (providerMore.credentialId === undefined && 'credentialId' in providerMore) delete providerEntry.credentialId;
    const { tried, out } = plan(request(preferences, more), indexOf([entry], [providerEntry as ProviderEntry]));
    expect(tried).toEqual([]);
    expect(out).toEqual({ [entry.id]: rule });
  });

  it('judges a long prompt by the price that a long prompt has', () => {
    const tiered = endpoint('a', {
      price: {
        perUnit: { input: '100', output: '1' },
        tiers: [{ aboveInputTokens: 1000, perUnit: { input: '300', output: '1' } }],
      },
    });
    const capped = { maxPrice: { prompt: '200' } };
    expect(plan(request(capped, { inputTokensEstimate: 1000 }), indexOf([tiered])).tried).toHaveLength(1);
    expect(plan(request(capped, { inputTokensEstimate: 1001 }), indexOf([tiered])).out).toEqual({
      'lab/one@a': 'max_price',
    });
  });

  it('fp8 admits its microscaled form', () => {
    expect(
      plan(request({ quantizations: ['fp8'] }), indexOf([endpoint('a', { quantization: 'mxfp8' })])).tried,
    ).toHaveLength(1);
  });

  it('applies the policy of the workspace to a request that is silent', () => {
    const policy = rulesOfPolicy({ ...stamp, id: 'p', allowedProviders: ['b', 'c'], ignoredProviders: ['c'] });
    expect(plan(request({ only: ['a', 'b'] }), indexOf(abc), { policy }).out).toEqual({
      'lab/one@a': 'allowed_providers',
      'lab/one@c': 'not_in_only',
    });
  });

  it('names a model that the catalog does not have', () => {
    expect(plan(request({}, {}, ['no/such', 'lab/one']), indexOf([endpoint('a')]))).toMatchObject({
      tried: ['lab/one@a'],
      out: { 'no/such': 'unknown_model' },
    });
  });
});

describe('the order of a plan', () => {
  it('follows provider.order by slug, full tag or display name, and then the rest', () => {
    const index = indexOf(
      [endpoint('a'), endpoint('b', { tag: 'b/eu' }), endpoint('b', { tag: 'b/us' }), endpoint('g')],
      [provider('a'), provider('b'), provider('g', { name: 'Google Vertex' })],
    );
    expect(plan(request({ order: ['google-vertex', 'b/us'] }), index).tried.slice(0, 2)).toEqual([
      'lab/one@g',
      'lab/one@b/us',
    ]);
    expect(plan(request({ order: ['b', 'a'] }), index).tried.slice(2)).toEqual(['lab/one@a', 'lab/one@g']);
    expect(plan(request({ order: ['b', 'a'] }), index).tried).toHaveLength(4);
  });

  it('without fallbacks is the primary alone, or the order list alone', () => {
    expect(plan(request({ allowFallbacks: false, sort: { by: 'price' } }), indexOf(abc))).toMatchObject({
      tried: ['lab/one@a'],
      out: { 'lab/one@b': 'fallbacks_not_allowed', 'lab/one@c': 'fallbacks_not_allowed' },
    });
    expect(plan(request({ allowFallbacks: false, order: ['c', 'b'] }), indexOf(abc))).toMatchObject({
      tried: ['lab/one@c', 'lab/one@b'],
      out: { 'lab/one@a': 'not_in_order' },
    });
  });

  it('takes the models one after the other', () => {
    const index = indexOf([
      endpoint('a'),
      endpoint('b', { model: 'lab/two', price: { perUnit: { input: '1', output: '1' } } }),
    ]);
    expect(plan(request({}, {}, ['lab/one', 'lab/two', 'lab/one']), index).tried).toEqual(['lab/one@a', 'lab/two@b']);
    expect(plan(request({ sort: { by: 'price' } }, {}, ['lab/one', 'lab/two']), index).tried).toEqual([
      'lab/one@a',
      'lab/two@b',
    ]);
    expect(
      plan(request({ sort: { by: 'price', partition: 'none' } }, {}, ['lab/one', 'lab/two']), index).tried,
    ).toEqual(['lab/two@b', 'lab/one@a']);
  });

  it('is by price where asked: by the request, by the variant, or by the policy', () => {
    const sorted = ['lab/one@a', 'lab/one@b', 'lab/one@c'];
    for (const conversation of ['1', '2', '3', '4', '5', '6', '7', '8']) {
      expect(plan(request({ sort: { by: 'price' } }, { conversation }), indexOf(abc)).tried).toEqual(sorted);
      expect(plan(request({}, { conversation }, ['lab/one:floor']), indexOf(abc)).tried).toEqual(sorted);
      expect(
        plan(request({}, { conversation }), indexOf(abc), {
          policy: rulesOfPolicy({ ...stamp, id: 'p', sort: 'price' }),
        }).tried,
      ).toEqual(sorted);
    }
  });

  it('compares prices exactly, beyond what a double can tell apart', () => {
    const dear = (amount: string) => ({ price: { perUnit: { input: amount, output: '0' } } });
    const index = indexOf([endpoint('a', dear('90071992547409930')), endpoint('b', dear('90071992547409929'))]);
    expect(plan(request({ sort: { by: 'price' } }), index).tried).toEqual(['lab/one@b', 'lab/one@a']);
  });

  it('leaves room for every requested model', () => {
    const many = Array.from({ length: 12 }, (_, each) => endpoint(`p${each}`));
    const { tried, excluded } = plan(
      request({}, {}, ['lab/one', 'lab/two', 'lab/three']),
      indexOf([...many, endpoint('x', { model: 'lab/two' }), endpoint('y', { model: 'lab/three' })]),
    );
    expect(tried).toHaveLength(MAX_ATTEMPTS);
    expect(tried.slice(-2)).toEqual(['lab/two@x', 'lab/three@y']);
    expect(excluded.every(({ rule }) => rule === 'beyond_max_attempts')).toBe(true);
    expect(excluded).toHaveLength(14 - MAX_ATTEMPTS);
  });
});

describe('own keys', () => {
  const ownKey = (id: string, slug: string, more: Partial<OwnKeyEntry> = {}): OwnKeyEntry => ({
    ...{ ...stamp, id, workspaceId: 'w', provider: slug },
    ...{ disabled: false, isFallback: false, alwaysUse: false, sortOrder: 0 },
    ...more,
  });
  const sorted = request({ sort: { by: 'price' } });
  /** Provider and key of each attempt; the station's own capacity is the provider alone. */
  const ways = (ownKeys: readonly OwnKeyEntry[], asked = sorted, index = indexOf(abc), health?: HealthBoard) => {
    const planned = plan(asked, index, { ownKeys, ...(health === undefined ? {} : { health }) });
    return {
      ways: planned.attempts.map(({ provider: slug, byok, credentialId }) => (byok ? `${slug} ${credentialId}` : slug)),
      told: planned.excluded.map(({ provider: slug, rule, credentialId, detail }) =>
        [slug, rule, credentialId, detail].filter((each) => each !== undefined).join(' '),
      ),
      strategy: planned.strategy,
    };
  };

  it.each<[string, OwnKeyEntry[], string[], string[]]>([
    ['comes before everything', [ownKey('k', 'c')], ['c k', 'a', 'b', 'c'], []],
    [
      'comes in the order of its place',
      [ownKey('k2', 'b', { sortOrder: 2 }), ownKey('k1', 'b', { sortOrder: 1 }), ownKey('k0', 'c')],
      ['b k1', 'b k2', 'c k0', 'a', 'b', 'c'],
      [],
    ],
    ['that is a fallback comes last', [ownKey('k', 'a', { isFallback: true })], ['a', 'b', 'c', 'a k'], []],
    [
      "that is always used leaves out the station's own capacity there",
      [ownKey('k', 'a', { alwaysUse: true })],
      ['a k', 'b', 'c'],
      ['a own_key_only'],
    ],
    ['that is disabled is not there', [ownKey('k', 'a', { disabled: true, alwaysUse: true })], ['a', 'b', 'c'], []],
    ['of others is not there', [ownKey('k', 'a', { workspaceId: 'x', alwaysUse: true })], ['a', 'b', 'c'], []],
    [
      'for other models is not used, and nothing else is left out for it',
      [ownKey('k', 'a', { allowedModels: ['lab/two'], alwaysUse: true })],
      ['a', 'b', 'c'],
      ['a own_key_filter k allowed_models'],
    ],
    [
      'for other api keys is not used',
      [ownKey('k', 'a', { allowedKeyHashes: ['1'.repeat(64)] })],
      ['a', 'b', 'c'],
      ['a own_key_filter k allowed_api_key_hashes'],
    ],
    [
      'for members is not used by a key of none',
      [ownKey('k', 'a', { allowedMemberIds: ['anna'] })],
      ['a', 'b', 'c'],
      ['a own_key_filter k allowed_user_ids'],
    ],
    [
      'for nobody is not used',
      [ownKey('k', 'a', { allowedModels: [] })],
      ['a', 'b', 'c'],
      ['a own_key_filter k allowed_models'],
    ],
    [
      'for this model and this api key is used',
      [ownKey('k', 'a', { allowedModels: ['lab/one'], allowedKeyHashes: ['0'.repeat(64)] })],
      ['a k', 'a', 'b', 'c'],
      [],
    ],
  ])('one %s', (_name, keys, tried, told) => {
    const planned = ways(keys);
    expect(planned.ways).toEqual(tried);
    expect(planned.told).toEqual(told);
    expect(planned.strategy).toBe(tried.some((way) => way.includes(' ')) ? 'own-keys+price' : 'price');
  });

  it('come before provider.order, and among themselves follow it', () => {
    const keys = [ownKey('ka', 'a'), ownKey('kc', 'c')];
    expect(ways(keys, request({ order: ['c', 'b', 'a'] })).ways).toEqual(['c kc', 'a ka', 'c', 'b', 'a']);
  });

  it('are not tried where only, a data policy or anything else leaves their endpoint out', () => {
    const keys = [ownKey('k', 'c')];
    expect(ways(keys, request({ only: ['a'] }))).toMatchObject({
      ways: ['a'],
      told: ['b not_in_only', 'c not_in_only'],
    });
    const retaining = indexOf(abc, [
      provider('a'),
      provider('b'),
      provider('c', { dataPolicy: { retains: true, trains: false } }),
    ]);
    expect(ways(keys, request({ zdr: true, sort: { by: 'price' } }), retaining)).toMatchObject({
      ways: ['a', 'b'],
      told: ['c data_policy:zdr'],
    });
  });

  it('serve a provider that the station has no key for', () => {
    const bare = { ...provider('a') };
    delete bare.credentialId;
    const index = indexOf([endpoint('a')], [bare]);
    expect(ways([ownKey('k', 'a')], sorted, index)).toMatchObject({ ways: ['a k'], told: ['a no_credential'] });
    expect(ways([], sorted, index)).toMatchObject({ ways: [], told: ['a no_credential'] });
  });

  it('are tried last while their provider refuses them, also where nothing else may serve', () => {
    const refused = boardWith([], NOW, ['k']);
    const healthy = ways([ownKey('k', 'a')], sorted, indexOf(abc));
    expect(healthy).toMatchObject({ ways: ['a k', 'a', 'b', 'c'] });
    expect(ways([ownKey('k', 'a')], sorted, indexOf(abc), refused)).toMatchObject({ ways: ['a', 'b', 'c', 'a k'] });
    expect(ways([ownKey('k', 'a'), ownKey('other', 'a')], sorted, indexOf(abc), refused)).toMatchObject({
      ways: ['a other', 'a', 'b', 'c', 'a k'],
    });
    expect(ways([ownKey('k', 'a', { alwaysUse: true })], sorted, indexOf([endpoint('a')]), refused)).toMatchObject({
      ways: ['a k'],
    });
  });

  it("are tried while the station's own capacity rests", () => {
    const health = boardWith([{ endpointId: 'lab/one@a', restMs: 1000 }], NOW);
    expect(ways([ownKey('k', 'a')], sorted, indexOf(abc), health)).toMatchObject({
      ways: ['a k', 'b', 'c'],
      told: ['a resting'],
    });
  });

  it('without fallbacks are all that is tried', () => {
    expect(ways([ownKey('k', 'c')], request({ allowFallbacks: false, sort: { by: 'price' } })).ways).toEqual(['c k']);
  });

  it('go with the model of their endpoint: the first model is tried with all of them before the second', () => {
    const index = indexOf([endpoint('a'), endpoint('b', { model: 'lab/two' })]);
    const keys = [ownKey('k', 'b'), ownKey('f', 'a', { isFallback: true })];
    expect(ways(keys, request({}, {}, ['lab/one', 'lab/two']), index).ways).toEqual(['a', 'a f', 'b k', 'b']);
  });
});

describe('soft rules', () => {
  it('prefer endpoints that take tools, and keep the model where none does', () => {
    const index = indexOf([endpoint('a', { supportedParameters: [] }), endpoint('b')]);
    expect(plan(request({}, { parameters: ['tools'] }), index)).toMatchObject({
      tried: ['lab/one@b'],
      out: { 'lab/one@a': 'require_parameters' },
    });
    const none = plan(
      request({}, { parameters: ['tools', 'temperature', 'safe_prompt'] }),
      indexOf([endpoint('a', { supportedParameters: [] })]),
    );
    expect(none.attempts[0]?.dropParameters).toEqual(['tools', 'temperature']);
  });

  it('a synonym of a parameter is as good', () => {
    expect(
      plan(request({ requireParameters: true }, { parameters: ['max_completion_tokens'] }), indexOf([endpoint('a')]))
        .tried,
    ).toHaveLength(1);
  });
});

describe('health', () => {
  const ill = (report: Omit<Heard, 'endpointId'>): HealthBoard =>
    boardWith([{ endpointId: 'lab/one@a', ...report }], NOW);

  it('puts an endpoint with a recent outage, or a degraded one, behind the others', () => {
    for (const health of [ill({ failed: 3 }), ill({ succeeded: 90, failed: 10 })])
      expect(plan(request(), indexOf(abc), { health }).tried.at(-1)).toBe('lab/one@a');
  });

  it('tries a resting endpoint, and one that is down, only when nothing else is left', () => {
    expect(plan(request(), indexOf(abc), { health: ill({ restMs: 1000 }) }).out).toEqual({
      'lab/one@a': 'resting',
    });
    const down = ill({ succeeded: 100, failed: 100 });
    expect(plan(request(), indexOf(abc), { health: down }).out).toEqual({ 'lab/one@a': 'down' });
    expect(plan(request(), indexOf([endpoint('a')]), { health: down }).tried).toEqual(['lab/one@a']);
    expect(plan(request({ only: ['a'] }), indexOf(abc), { health: ill({ restMs: 1000 }) }).tried).toEqual([
      'lab/one@a',
    ]);
  });

  it('sends nobody to an endpoint that only fails, not even when nothing else is left, but for one who finds out whether it is back', () => {
    const out = ill({ failed: 10 });
    expect(plan(request(), indexOf([endpoint('a')]), { health: out })).toMatchObject({
      tried: [],
      out: { 'lab/one@a': 'down' },
    });
    const later = { index: indexOf(abc), health: out, ownKeys: indexOwnKeys([]), nowMs: NOW + 2000 };
    expect(planRoute(request(), NO_RULES, later, Math.random).attempts[0]?.endpointId).toBe('lab/one@a');
  });

  it('does not change the strict order by price', () => {
    expect(plan(request({ sort: { by: 'price' } }), indexOf(abc), { health: ill({ failed: 3 }) }).tried[0]).toBe(
      'lab/one@a',
    );
  });
});

describe('a prompt that is too long', () => {
  const small = endpoint('s', { context: 8_000 });
  const middle = endpoint('m', { context: 30_000 });
  const large = endpoint('l', { context: 100_000 });
  const all = [small, middle, large];

  it.each<[string, Partial<RouteFeatures>, readonly EndpointEntry[], string[]]>([
    [
      'goes where it fits, even if it may be shortened',
      { inputTokensEstimate: 50_000, compression: 'always' },
      all,
      ['l'],
    ],
    [
      'is shortened where it fits nowhere',
      { inputTokensEstimate: 50_000, compression: 'always' },
      [small, middle],
      ['m'],
    ],
    ['is not shortened to less than half', { inputTokensEstimate: 60_001, compression: 'always' }, [small, middle], []],
    ['is shortened for small contexts', { inputTokensEstimate: 9_000, compression: 'small-endpoints' }, [small], ['s']],
    ['is not shortened for others', { inputTokensEstimate: 31_000, compression: 'small-endpoints' }, [middle], []],
    ['is not shortened where it may not be', { inputTokensEstimate: 9_000 }, [small], []],
  ])('%s', (_, more, endpoints, slugs) => {
    const { tried, out } = plan(request({}, more), indexOf(endpoints));
    expect(tried).toEqual(slugs.map((slug) => `lab/one@${slug}`));
    for (const { id } of endpoints) if (!tried.includes(id)) expect(out[id]).toBe('context_length');
  });
});
