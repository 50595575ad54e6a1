// Every rule that excludes and every order, one line a case.
import type {
  EndpointEntry,
  ModelEntry,
  OwnKeyEntry,
  ProviderEntry,
  ProviderPreferences,
  RouteFeatures,
  RoutePlanRequest,
} from '@waystation/contracts';
import { NO_RULES, rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import { PERCENTILES, type EndpointFigures, type Percentile } from './figures.js';
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
  models: readonly ModelEntry[] = [],
): RoutingIndex =>
  buildRoutingIndex({
    revision: 7,
    providers: new Map(providers.map((each) => [each.slug, each])),
    models: new Map(models.map((each) => [each.id, each])),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  });
const model = (id: string, more: Partial<ModelEntry> = {}): ModelEntry => ({
  ...{ ...stamp, id, name: id, created: 0, context: 100_000 },
  ...{ inputModalities: ['text'], outputModalities: ['text'] },
  ...more,
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
  options: {
    policy?: PolicyRules;
    health?: HealthBoard;
    ownKeys?: readonly OwnKeyEntry[];
    /** Credentials that are used up. */
    usedUp?: readonly string[];
    /** By provider. */
    figures?: Readonly<Record<string, EndpointFigures>>;
  } = {},
) => {
  const reply = planRoute(
    asked,
    options.policy ?? NO_RULES,
    {
      index,
      health: options.health ?? createHealthBoard(),
      ownKeys: indexOwnKeys(options.ownKeys ?? []),
      capacity: {
        fullOf: (id, _limits, tokens) =>
          options.usedUp?.includes(id) === true ? { by: 'tokens_per_minute', retryAfterMs: tokens } : undefined,
      },
      figuresOf: (endpointId) => options.figures?.[endpointId.slice(endpointId.indexOf('@') + 1)],
      nowMs: NOW,
    },
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

  it.each<[string, boolean | undefined, string[]]>([
    ['that may be distilled', true, ['lab/one@a']],
    ['that may not be distilled', false, []],
    ['of which nobody said so', undefined, []],
  ])('keeps to models %s where the request enforces it', (_name, distillable, tried) => {
    const models = [model('lab/one', distillable === undefined ? {} : { distillable })];
    const index = indexOf([endpoint('a')], undefined, models);
    const planned = plan(request({ enforceDistillableText: true }), index);
    expect(planned.tried).toEqual(tried);
    expect(planned.out).toEqual(tried.length > 0 ? {} : { 'lab/one@a': 'not_distillable' });
    expect(plan(request({ enforceDistillableText: false }), index).tried).toEqual(['lab/one@a']);
  });

  it.each<[keyof NonNullable<ProviderPreferences['maxPrice']>, Partial<EndpointEntry['price']>]>([
    ['prompt', { perUnit: { input: '11', output: '1' } }],
    ['completion', { perUnit: { input: '1', output: '11' } }],
    ['request', { perUnit: {}, perRequest: '11' }],
    ['image', { perUnit: { inputImages: '11' } }],
    ['audio', { perUnit: { audioInput: '11' } }],
  ])('holds an endpoint against the ceiling of its price for each %s', (kind, price) => {
    const index = indexOf([endpoint('a', { price: { perUnit: {}, ...price } })]);
    expect(plan(request({ maxPrice: { [kind]: '11' } }), index).tried).toEqual(['lab/one@a']);
    expect(plan(request({ maxPrice: { [kind]: '10' } }), index).excluded).toMatchObject([
      { rule: 'max_price', detail: kind },
    ]);
  });

  it.each<[string, string[]]>([
    ['b', ['lab/one@b/eu', 'lab/one@b/us']],
    ['b/us', ['lab/one@b/us']],
    ['B/US', ['lab/one@b/us']],
    ['google-vertex', ['lab/one@g']],
    ['g', ['lab/one@g']],
    ['b/asia', []],
  ])('knows %s in only and ignore as a base slug, a full slug or a display name', (name, named) => {
    const index = indexOf(
      [endpoint('b', { tag: 'b/eu' }), endpoint('b', { tag: 'b/us' }), endpoint('g')],
      [provider('b'), provider('g', { name: 'Google Vertex' })],
    );
    const every = ['lab/one@b/eu', 'lab/one@b/us', 'lab/one@g'];
    expect(plan(request({ only: [name] }), index).tried.sort()).toEqual(named);
    expect(plan(request({ ignore: [name] }), index).tried.sort()).toEqual(every.filter((id) => !named.includes(id)));
  });

  it.each<[string, string[]]>([
    ['fp4', ['fp4', 'mxfp4', 'nvfp4']],
    ['fp8', ['fp8', 'mxfp8']],
    ['mxfp4', ['mxfp4']],
    ['unknown', ['unknown']],
    ['int8', ['int8']],
  ])('admits with the quantization %s its family and nothing else', (quantization, admitted) => {
    const every = ['int4', 'int8', 'fp4', 'mxfp4', 'nvfp4', 'fp8', 'mxfp8', 'bf16'];
    const index = indexOf([
      ...every.map((each) => endpoint(each, { quantization: each })),
      endpoint('unknown', { tag: 'unknown' }),
    ]);
    expect(plan(request({ quantizations: [quantization] }), index).tried.sort()).toEqual(
      admitted.map((each) => `lab/one@${each}`).sort(),
    );
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
    expect(plan(request({ sort: { partition: 'none' } }, {}, ['lab/one:floor', 'lab/two']), index).tried).toEqual([
      'lab/two@b',
      'lab/one@a',
    ]);
    expect(plan(request({ sort: { partition: 'none' } }, {}, ['lab/one', 'lab/two']), index).tried).toEqual([
      'lab/one@a',
      'lab/two@b',
    ]);
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

/** Figures that are the same at every percentile, or those of each. */
const figures = (
  throughput: number | Partial<Record<Percentile, number>> | undefined,
  latencyMs?: number | Partial<Record<Percentile, number>>,
): EndpointFigures => {
  const at = (value: typeof throughput, percentile: Percentile) =>
    typeof value === 'object' ? value[percentile] : value;
  return {
    throughput: (percentile) => at(throughput, percentile),
    latencyMs: (percentile) => at(latencyMs, percentile),
  };
};

describe('the order of a plan, where it is known how quick endpoints are', () => {
  const providersOf = (asked: RoutePlanRequest, known: Readonly<Record<string, EndpointFigures>>, endpoints = abc) => {
    const { attempts, strategy } = plan(asked, indexOf(endpoints), { figures: known });
    return [attempts.map((each) => each.provider).join(' '), strategy];
  };
  const fast = { b: figures(20, 900), c: figures(80, 300) };

  it.each<[string, RoutePlanRequest, string]>([
    ['throughput', request({ sort: { by: 'throughput' } }), 'c b a'],
    ['throughput by the variant', request({}, {}, ['lab/one:nitro']), 'c b a'],
    ['latency', request({ sort: { by: 'latency' } }), 'c b a'],
    ['price, whatever the variant says', request({ sort: { by: 'price' } }, {}, ['lab/one:nitro']), 'a b c'],
  ])('sorts by %s, what is not known last', (_name, asked, tried) => {
    expect(providersOf(asked, fast)[0]).toBe(tried);
  });

  it('says what it sorted by, and where nothing was known that it did not', () => {
    for (const by of ['throughput', 'latency'] as const) {
      expect(providersOf(request({ sort: { by } }), fast)[1]).toBe(by);
      const unsorted = providersOf(request({ sort: { by } }), { a: figures(undefined) });
      expect(unsorted).toEqual([providersOf(request(), {})[0], `${by}-unmeasured`]);
    }
    expect(providersOf(request({ sort: { by: 'exacto' } }), fast)[1]).toBe('exacto-unmeasured');
    expect(providersOf(request({}, { toolCount: 1 }), fast)[1]).toBe('conversation');
  });

  it.each<[string, ProviderPreferences, Readonly<Record<string, EndpointFigures>>, string]>([
    ['throughput in the middle', { preferredMinThroughput: { p50: 50 } }, { a: figures(49), b: figures(50) }, 'b c a'],
    [
      'latency in the middle',
      { preferredMaxLatency: { p50: 0.5 } },
      { a: figures(9, 501), b: figures(9, 500) },
      'b c a',
    ],
    [
      'one of several percentiles',
      { preferredMaxLatency: { p50: 1, p99: 3 } },
      { a: figures(9, { p50: 100, p99: 3_001 }), b: figures(9, { p50: 1_001, p99: 2_000 }) },
      'c a b',
    ],
    [
      'one of both',
      { preferredMaxLatency: { p90: 1 }, preferredMinThroughput: { p90: 10 } },
      { a: figures(11, 1_001), b: figures(11, 999), c: figures(9, 999) },
      'b a c',
    ],
    [
      'before the order that the request lists',
      { order: ['c', 'a'], preferredMinThroughput: { p75: 10 } },
      { c: figures(5), a: figures(10) },
      'a b c',
    ],
    ['nothing of which is known', { preferredMinThroughput: { p50: 50 } }, {}, 'a b c'],
    ['nothing', { preferredMinThroughput: {}, preferredMaxLatency: {} }, { a: figures(0, 1e9) }, 'a b c'],
  ])('puts those last that miss a preferred limit: %s', (_name, preferences, known, tried) => {
    const asked = request({ sort: { by: 'price' }, ...preferences });
    expect(providersOf(asked, known)[0]).toBe(tried);
  });

  const five = ['a', 'b', 'c', 'd', 'e'].map((slug) => endpoint(slug));
  const crowd = { a: figures(10), b: figures(100), c: figures(101), d: figures(99) };

  it('puts those last, for tools, that are far slower than the others, after those of which nothing is known', () => {
    for (const asked of [request({}, { toolCount: 1 }), request({ sort: { by: 'exacto' } })]) {
      const [tried, strategy] = providersOf(asked, crowd, five);
      expect(tried).toMatch(/^[bcd] [bcd] [bcd] e a$/);
      expect(strategy).toBe('exacto');
    }
    expect(providersOf(request({}, { toolCount: 1 }, ['lab/one:floor']), crowd, five)[1]).toBe('price');
    expect(providersOf(request(), crowd, five)[1]).toBe('conversation');
  });

  it('judges nobody by fewer than four', () => {
    const { a, b, c } = crowd;
    expect(providersOf(request({}, { toolCount: 1 }), { a, b, c }, five)).toEqual(providersOf(request(), {}, five));
  });

  it('asks for every percentile by its name', () => {
    for (const percentile of PERCENTILES) {
      const asked = request({ sort: { by: 'price' }, preferredMinThroughput: { [percentile]: 50 } });
      expect(providersOf(asked, { a: figures({ [percentile]: 49 }) })[0]).toBe('b c a');
    }
  });
});

describe('service tiers', () => {
  const priced = (amount: string) => ({ price: { perUnit: { input: amount, output: amount } } });
  const index = indexOf([
    endpoint('a', priced('10')),
    endpoint('a', { tag: 'a/flex', ...priced('5') }),
    endpoint('a', { tag: 'a/priority', ...priced('20') }),
    endpoint('b', { price: { ...priced('9').price, serviceTiers: { priority: priced('30').price } } }),
  ]);
  const byPrice = { sort: { by: 'price' as const } };

  it.each<[string, ProviderPreferences, Partial<RouteFeatures>, string, string]>([
    ['nothing', byPrice, {}, 'lab/one', 'b a'],
    ['the flex tier', byPrice, { serviceTier: 'flex' }, 'lab/one', 'a/flex'],
    ['the priority tier', byPrice, { serviceTier: 'priority' }, 'lab/one', 'b a/priority a'],
    ['the priority tier by its other name', byPrice, { serviceTier: 'fast' }, 'lab/one', 'b a/priority a'],
    ['the tier that the provider likes', byPrice, { serviceTier: 'auto' }, 'lab/one', 'b a'],
    ['the cheapest', {}, {}, 'lab/one:floor', 'a/flex b a'],
    ['the cheapest of the standard tier', {}, { serviceTier: 'default' }, 'lab/one:floor', 'b a'],
    ['the quickest, cheapest first', { sort: { by: 'price' } }, {}, 'lab/one:nitro', 'b a a/priority'],
    ['the cheapest in an order', { order: ['a'] }, {}, 'lab/one:floor', 'a b'],
    ['a tier by its full slug', { order: ['a/flex'], ...byPrice }, {}, 'lab/one', 'a/flex b a'],
    ['a tier by its full slug alone', { only: ['A/Flex'] }, {}, 'lab/one', 'a/flex'],
    ['a provider by its base slug', { only: ['a'] }, {}, 'lab/one', 'a'],
    ['a tier of a provider', { only: ['a'], ...byPrice }, { serviceTier: 'priority' }, 'lab/one', 'a/priority a'],
  ])('who asks for %s is served where it may be', (_name, preferences, more, id, tried) => {
    const planned = plan(request(preferences, more, [id]), index);
    expect(planned.tried.map((each) => each.replace('lab/one@', '')).join(' ')).toBe(tried);
    expect(planned.tried.length + planned.excluded.length).toBe(4);
  });

  it('names the tier that excluded an endpoint', () => {
    expect(plan(request(), index).excluded).toMatchObject([
      { endpointId: 'lab/one@a/flex', rule: 'service_tier', detail: 'flex' },
      { endpointId: 'lab/one@a/priority', rule: 'service_tier', detail: 'priority' },
    ]);
  });

  it('serves at the standard tier who asks for flex where the model has none, and nobody where it may not be used', () => {
    const asked = request({}, { serviceTier: 'flex' });
    expect(plan(asked, indexOf([endpoint('a')])).tried).toEqual(['lab/one@a']);
    const flexAlone = plan(request({ ignore: ['a'] }, { serviceTier: 'flex' }), index);
    expect(flexAlone.tried).toEqual([]);
    expect(flexAlone.out).toMatchObject({ 'lab/one@a/flex': 'ignored', 'lab/one@b': 'service_tier' });
  });
});

describe('the alias of the newest of a family', () => {
  const ids = ['lab/one-1', 'lab/one-2', 'lab/one-3'];
  const index = indexOf(
    ids.map((id) => endpoint('a', { model: id, enabled: id !== 'lab/one-3' })),
    undefined,
    ids.map((id, created) => model(id, { created })),
  );

  it('is the newest that anybody is served by, under its own id', () => {
    const planned = plan(request({}, {}, ['~lab/one-latest:nitro', 'lab/one-1']), index);
    expect(planned.tried).toEqual(['lab/one-2@a', 'lab/one-1@a']);
    expect(planned.aliases).toEqual({ '~lab/one-latest:nitro': 'lab/one-2' });
    expect(plan(request({}, {}, ['lab/one-1']), index).aliases).toBeUndefined();
  });

  it('is bound by what the policy allows of the model itself', () => {
    const policy = rulesOfPolicy({ ...stamp, id: 'p', allowedModels: ['lab/one-1'] });
    const planned = plan(request({}, {}, ['~lab/one-latest']), index, { policy });
    expect(planned.out).toEqual({ 'lab/one-2@a': 'allowed_models' });
  });

  it('is unknown where the family is', () => {
    const planned = plan(request({}, {}, ['~lab/two-latest']), index);
    expect(planned.out).toEqual({ '~lab/two-latest': 'unknown_model' });
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

describe('capacity', () => {
  const LIMITED = { capacity: { tokensPerMinute: 100 } };
  const abcIndex = indexOf(
    ['a', 'b', 'c'].map((slug) => endpoint(slug)),
    [provider('a', LIMITED), provider('b', LIMITED), provider('c')],
  );
  const own = (more: Partial<OwnKeyEntry> = {}): OwnKeyEntry => ({
    ...{ ...stamp, id: 'k', workspaceId: 'w', provider: 'a', disabled: false },
    ...{ isFallback: false, alwaysUse: false, sortOrder: 0, ...LIMITED, ...more },
  });
  it.each<[string, string[], OwnKeyEntry[], string[], string[]]>([
    ['that is used up leaves its endpoints out', ['operator-a'], [], ['b', 'c'], ['a capacity']],
    ['that is not limited is not asked for', ['operator-c'], [], ['a', 'b', 'c'], []],
    ['of an own key leaves the key out', ['k'], [own()], ['a', 'b', 'c'], ['a k capacity']],
    [
      'of an own key that is not limited is not asked for',
      ['k'],
      [own({ capacity: undefined })],
      ['a k', 'a', 'b', 'c'],
      [],
    ],
    ['of the station says nothing of an own key', ['operator-a'], [own()], ['a k', 'b', 'c'], ['a capacity']],
    [
      "of a key that is always used does not give way to the station's",
      ['k'],
      [own({ alwaysUse: true })],
      ['b', 'c'],
      ['a k capacity', 'a own_key_only'],
    ],
    ['of two leaves what is left', ['operator-a', 'operator-b'], [], ['c'], ['a capacity', 'b capacity']],
  ])('%s', (_name, usedUp, ownKeys, tried, out) => {
    const reply = plan(request({ order: ['a', 'b', 'c'] }), abcIndex, { usedUp, ownKeys });
    expect(
      reply.attempts.map(({ provider: slug, byok, credentialId }) => (byok ? `${slug} ${credentialId}` : slug)),
    ).toEqual(tried);
    expect(
      reply.excluded.map(({ provider: slug, credentialId, rule }) =>
        [slug, credentialId, rule].filter((each) => each !== undefined).join(' '),
      ),
    ).toEqual(out);
  });

  it('goes with the attempt, so that a worker may judge for itself, and its exclusion says of what and until when', () => {
    const reply = plan(request({ order: ['a', 'b', 'c'] }), abcIndex, { usedUp: ['operator-b'] });
    expect(reply.attempts.map(({ capacity }) => capacity)).toEqual([LIMITED.capacity, undefined]);
    expect(reply.excluded).toEqual([
      expect.objectContaining({ rule: 'capacity', detail: 'tokens_per_minute', retryAfterMs: 20 }),
    ]);
  });
});
