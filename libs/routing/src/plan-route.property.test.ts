// What holds for any plan, and how first choices split over conversations.
import type {
  EndpointEntry,
  OwnKeyEntry,
  ProviderEntry,
  ProviderPreferences,
  RouteFeatures,
  RoutePlanReply,
  RoutePlanRequest,
} from '@waystation/contracts';
import { routePlanReply } from '@waystation/contracts';
import { rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import fc from 'fast-check';
import { isTooSlow, speedLimitsOf, type EndpointFigures } from './figures.js';
import { createHealthBoard } from './health.js';
import { boardWith } from './test-health.js';
import { orderEndpoints } from './order-endpoints.js';
import { NO_OWN_KEYS, filteredBy, indexOwnKeys } from './own-keys.js';
import { planRoute } from './plan-route.js';
import { hashText } from './rendezvous.js';
import { buildRoutingIndex, type RoutableCatalog } from './routing-index.js';

const NOW = 1_700_000_000_000;
const stamp = { v: 1 as const, version: 1 };
const MODELS = ['lab/one', 'lab/two', 'lab/three'];
const SLUGS = ['a', 'b', 'c', 'd', 'e'];
const QUANTIZATIONS = ['fp8', 'int4', 'bf16'];
const PARAMETERS = ['tools', 'response_format', 'temperature', 'top_k'];
const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value[]> => fc.subarray([...values]);

const provider = (slug: string): fc.Arbitrary<ProviderEntry> =>
  fc
    .record({
      dataPolicy: fc.record({ retains: fc.boolean(), trains: fc.boolean(), region: fc.constantFrom('eu', 'us') }),
      limited: fc.boolean(),
    })
    .map(({ dataPolicy, limited }) => ({
      ...stamp,
      slug,
      name: slug,
      dialect: 'openai-chat',
      baseUrl: 'https://example.com',
      allowPrivateAddress: false,
      credentialId: `operator-${slug}`,
      ...(limited ? { capacity: { requestsPerMinute: 1 } } : {}),
      dataPolicy,
      billsAfterCancel: false,
    }));
const endpointAt = (model: string, slug: string): fc.Arbitrary<EndpointEntry> =>
  fc
    .record({
      input: fc.nat(5),
      output: fc.nat(5),
      context: fc.constantFrom(100, 1000),
      enabled: fc.boolean(),
      supportedParameters: some(PARAMETERS),
      image: fc.boolean(),
      quantization: fc.option(fc.constantFrom(...QUANTIZATIONS), { nil: undefined }),
      tier: fc.option(fc.constantFrom('flex', 'priority', 'turbo'), { nil: undefined, freq: 2 }),
    })
    .map(({ input, output, context, enabled, supportedParameters, image, quantization, tier }) => ({
      ...stamp,
      id: `${model}@${slug}`,
      model,
      provider: slug,
      tag: tier === undefined ? slug : `${slug}/${tier}`,
      upstreamModel: 'm',
      apis: ['chat'],
      context,
      ...(quantization === undefined ? {} : { quantization }),
      inputModalities: image ? ['text', 'image'] : ['text'],
      outputModalities: ['text'],
      supportedParameters,
      priceVersion: `price-${'0'.repeat(32)}`,
      price: { perUnit: { input: String(input), output: String(output) } },
      enabled,
    }));
const catalogs: fc.Arbitrary<RoutableCatalog> = fc
  .record({
    providers: fc.tuple(...SLUGS.map(provider)),
    endpoints: some(MODELS.flatMap((model) => SLUGS.map((slug) => [model, slug] as const))).chain((pairs) =>
      fc.tuple(...pairs.map(([model, slug]) => endpointAt(model, slug))),
    ),
    distillable: some(MODELS),
  })
  .map(({ providers, endpoints, distillable }) => ({
    revision: 1,
    providers: new Map(providers.map((each) => [each.slug, each])),
    models: new Map(
      distillable.map((id) => [
        id,
        {
          ...{ ...stamp, id, name: id, created: 0, context: 1 },
          ...{ inputModalities: ['text'], outputModalities: ['text'], distillable: true },
        },
      ]),
    ),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  }));
const preferences: fc.Arbitrary<ProviderPreferences> = fc.record(
  {
    order: some(SLUGS),
    only: fc.subarray(SLUGS, { minLength: 1 }),
    ignore: some(SLUGS),
    allowFallbacks: fc.boolean(),
    requireParameters: fc.boolean(),
    dataCollection: fc.constantFrom('allow' as const, 'deny' as const),
    zdr: fc.boolean(),
    sort: fc.record({
      by: fc.constantFrom('price' as const, 'latency' as const, 'throughput' as const, 'exacto' as const),
      partition: fc.constantFrom('model' as const, 'none' as const),
    }),
    maxPrice: fc.record({ prompt: fc.nat(5).map(String), completion: fc.nat(5).map(String) }, { requiredKeys: [] }),
    enforceDistillableText: fc.boolean(),
    quantizations: fc.subarray(QUANTIZATIONS, { minLength: 1 }),
    preferredMinThroughput: fc.record({ p50: fc.nat(100), p90: fc.nat(100) }, { requiredKeys: [] }),
    preferredMaxLatency: fc.record({ p50: fc.nat(3), p99: fc.nat(3) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const features: fc.Arbitrary<RouteFeatures> = fc
  .record({
    tokens: fc.constantFrom(10, 500),
    parameters: some(PARAMETERS),
    image: fc.boolean(),
    conversation: fc.option(fc.string(), { nil: undefined }),
    toolCount: fc.nat(1),
    serviceTier: fc.option(fc.constantFrom('flex', 'priority', 'default', 'auto'), { nil: undefined }),
  })
  .map(({ tokens, parameters, image, conversation, toolCount, serviceTier }) => ({
    api: 'chat',
    dialect: 'openai-chat',
    stream: false,
    bodyBytes: 1,
    inputTokensEstimate: tokens,
    parameters,
    inputModalities: image ? ['text', 'image'] : ['text'],
    outputModalities: ['text'],
    toolCount,
    messageCount: 1,
    ...(conversation === undefined ? {} : { conversation }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
  }));
const requests: fc.Arbitrary<RoutePlanRequest> = fc
  .record({ models: fc.subarray(MODELS, { minLength: 1 }), preferences, features })
  .map((each) => ({
    v: 1,
    generationId: 'gen-1700000000-00000000000000000000',
    identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
    ...each,
  }));
const policies: fc.Arbitrary<PolicyRules> = fc
  .record(
    {
      ignoredProviders: some(SLUGS),
      zdr: fc.boolean(),
      regions: fc.subarray(['eu', 'us'], { minLength: 1 }),
      allowedModels: fc.subarray(MODELS, { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .map((each) => rulesOfPolicy({ ...stamp, id: 'p', ...each }));
const healths = fc.array(
  fc.record({
    endpointId: fc.constantFrom(...MODELS.flatMap((model) => SLUGS.map((slug) => `${model}@${slug}`))),
    succeeded: fc.nat(200),
    failed: fc.nat(200),
  }),
  { maxLength: 8 },
);

const KEY_HASHES = ['0', '1'].map((digit) => digit.repeat(64));
const MEMBERS = ['anna', 'ben'];
const CREDENTIALS = [...SLUGS.map((slug) => `operator-${slug}`), ...Array.from({ length: 8 }, (_, at) => `own-${at}`)];
/** Of the workspace that asks, and of another. */
const ownKeys: fc.Arbitrary<OwnKeyEntry[]> = fc
  .array(
    fc.record({
      workspaceId: fc.constantFrom('w', 'other'),
      provider: fc.constantFrom(...SLUGS),
      disabled: fc.boolean(),
      use: fc.constantFrom('first', 'fallback', 'always'),
      sortOrder: fc.nat(2),
      limited: fc.boolean(),
      filters: fc.record(
        { allowedModels: some(MODELS), allowedKeyHashes: some(KEY_HASHES), allowedMemberIds: some(MEMBERS) },
        { requiredKeys: [] },
      ),
    }),
    { maxLength: 8 },
  )
  .map((all) =>
    all.map(({ use, filters, limited, ...each }, index) => ({
      ...stamp,
      ...each,
      ...filters,
      id: `own-${index}`,
      ...(limited ? { capacity: { inFlight: 1 } } : {}),
      isFallback: use === 'fallback',
      alwaysUse: use === 'always',
    })),
  );
const askers = fc
  .record({ keyHash: fc.constantFrom(...KEY_HASHES), memberId: fc.constantFrom(...MEMBERS, undefined) })
  .map(({ keyHash, memberId }) => ({ workspaceId: 'w', keyHash, ...(memberId === undefined ? {} : { memberId }) }));

/** Of some endpoints, told by a hash of their name: how quick they are is no matter of chance between two plans. */
const figuresOf = (endpointId: string): EndpointFigures | undefined => {
  const { low } = hashText(endpointId);
  return (low & 3) === 0
    ? undefined
    : { latencyMs: () => (low >>> 2) % 4_000, throughput: () => ((low & 12) === 0 ? undefined : (low >>> 4) % 120) };
};

/** A source of randomness that starts anew for each plan. */
const seeded = (seed: number) => {
  let state = seed | 1;
  return () => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return (state >>> 1) / 2 ** 31;
  };
};
const planOf = (
  request: RoutePlanRequest,
  policy: PolicyRules,
  catalog: RoutableCatalog,
  reports: { endpointId: string; succeeded: number; failed: number }[],
  seed = 1,
  own: readonly OwnKeyEntry[] = [],
  /** Credentials that are used up, as far as they are limited. */
  usedUp: readonly string[] = [],
): RoutePlanReply => {
  const health = boardWith(reports, NOW);
  return planRoute(
    request,
    policy,
    {
      ...{ index: buildRoutingIndex(catalog), health, ownKeys: indexOwnKeys(own), figuresOf, nowMs: NOW },
      capacity: {
        fullOf: (id) => (usedUp.includes(id) ? { by: 'requests_per_minute', retryAfterMs: 1_000 } : undefined),
      },
    },
    seeded(seed),
  );
};

describe('any plan', () => {
  it('has every endpoint of every requested model once, as an attempt or excluded', () =>
    fc.assert(
      fc.property(requests, policies, catalogs, healths, (request, policy, catalog, reports) => {
        const reply = planOf(request, policy, catalog, reports);
        const told = [
          ...reply.attempts.map(({ endpointId }) => endpointId),
          ...reply.excluded.flatMap(({ endpointId }) => endpointId ?? []),
        ];
        const there = [...catalog.endpoints.values()]
          .filter(({ model }) => request.models.includes(model))
          .map(({ id }) => id);
        expect(told.sort()).toEqual(there.sort());
        const unknown = reply.excluded.filter(({ rule }) => rule === 'unknown_model').map(({ model }) => model);
        expect(unknown.sort()).toEqual(
          request.models.filter((model) => !there.some((id) => id.startsWith(`${model}@`))).sort(),
        );
        routePlanReply.parse(reply);
      }),
    ));

  it('never breaks a hard rule', () =>
    fc.assert(
      fc.property(requests, policies, catalogs, healths, (request, policy, catalog, reports) => {
        const { preferences: asked, features: has } = request;
        for (const attempt of planOf(request, policy, catalog, reports).attempts) {
          const endpoint = catalog.endpoints.get(attempt.endpointId);
          const data = catalog.providers.get(attempt.provider)?.dataPolicy;
          expect(endpoint?.enabled).toBe(true);
          if (asked.only !== undefined) expect(asked.only).toContain(attempt.provider);
          if (asked.ignore !== undefined) expect(asked.ignore).not.toContain(attempt.provider);
          expect(policy.ignoredProviders.has(attempt.provider)).toBe(false);
          for (const list of policy.allowedModels) expect(list.has(attempt.model)).toBe(true);
          for (const list of policy.regions) expect(list.has(data?.region ?? '')).toBe(true);
          if (asked.zdr === true || policy.zdr) expect(data?.retains).toBe(false);
          if (asked.dataCollection === 'deny') expect(data).toMatchObject({ retains: false, trains: false });
          expect(attempt.context).toBeGreaterThanOrEqual(has.inputTokensEstimate);
          expect(endpoint?.inputModalities).toEqual(expect.arrayContaining(has.inputModalities));
          if (asked.requireParameters === true)
            expect(endpoint?.supportedParameters).toEqual(expect.arrayContaining(has.parameters));
          if (asked.maxPrice?.prompt !== undefined)
            expect(BigInt(attempt.price.perUnit['input'] ?? 0) <= BigInt(asked.maxPrice.prompt)).toBe(true);
          if (asked.maxPrice?.completion !== undefined)
            expect(BigInt(attempt.price.perUnit['output'] ?? 0) <= BigInt(asked.maxPrice.completion)).toBe(true);
          if (asked.enforceDistillableText === true) expect(catalog.models.get(attempt.model)?.distillable).toBe(true);
          if (asked.quantizations !== undefined) expect(asked.quantizations).toContain(endpoint?.quantization);
          for (const tier of ['flex', 'priority'])
            if (endpoint?.tag.endsWith(`/${tier}`) === true) expect(has.serviceTier).toBe(tier);
          if (asked.allowFallbacks === false && (asked.order ?? []).length > 0)
            expect(asked.order).toContain(attempt.provider);
        }
      }),
    ));

  it('is the same for the same inputs, whatever order the catalog arrived in', () =>
    fc.assert(
      fc.property(requests, policies, catalogs, healths, fc.nat(), (request, policy, catalog, reports, seed) => {
        const reversed = { ...catalog, endpoints: new Map([...catalog.endpoints].reverse()) };
        expect(planOf(request, policy, reversed, reports, seed)).toEqual(
          planOf(request, policy, catalog, reports, seed),
        );
      }),
    ));

  it('tries what is known to miss a preferred limit after what is not, model by model', () =>
    fc.assert(
      fc.property(requests, policies, catalogs, healths, (request, policy, catalog, reports) => {
        const limits = speedLimitsOf(request.preferences);
        fc.pre(limits !== undefined);
        const { attempts } = planOf(request, policy, catalog, reports);
        const groups =
          request.preferences.sort?.partition === 'none'
            ? [attempts]
            : request.models.map((model) => attempts.filter((attempt) => attempt.model === model));
        for (const group of groups) {
          const slow = group.map(({ endpointId }) => isTooSlow(figuresOf(endpointId), limits));
          expect(slow).toEqual([...slow].sort((a, b) => Number(a) - Number(b)));
        }
      }),
    ));

  it('for a conversation does not depend on chance', () =>
    fc.assert(
      fc.property(requests, policies, catalogs, healths, (request, policy, catalog, reports) => {
        const talking = { ...request, features: { ...request.features, conversation: 'c' } };
        expect(planOf(talking, policy, catalog, reports, 1)).toEqual(planOf(talking, policy, catalog, reports, 2));
      }),
    ));
});

/** Rules about the station's own capacity, and about one way among others: beside them own keys are judged for themselves. */
const OF_ONE_WAY = [
  ...['own_key_only', 'no_credential', 'capacity', 'resting', 'down'],
  ...['beyond_max_attempts', 'fallbacks_not_allowed'],
];

it('the first few of many are the same whether all are put in order or not', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(12), fc.nat(), (count, first, seed) => {
      const slugs = Array.from({ length: count }, (_, place) => `p${place}`);
      const made = fc.sample(fc.tuple(...slugs.map((slug) => fc.tuple(provider(slug), endpointAt('lab/one', slug)))), {
        seed,
        numRuns: 1,
      })[0];
      const index = buildRoutingIndex({
        ...{ revision: 1, models: new Map() },
        providers: new Map(made?.map(([each]) => [each.slug, each])),
        endpoints: new Map(made?.map(([, each]) => [each.id, each])),
      });
      const routes = index.byModel.get('lab/one') ?? [];
      for (const sort of [undefined, 'price', 'throughput', 'latency', 'exacto'] as const) {
        const ordering = {
          order: ['p3', 'p1'],
          sort,
          limits: undefined,
          tierFirst: 'flex',
          conversation: 'c',
          overrides: new Set<string>(),
        };
        const circumstances = { stateOf: () => 'stable' as const, figuresOf, random: () => 0.5 };
        const whole = orderEndpoints(routes, ordering, circumstances).routes;
        const part = orderEndpoints(routes, ordering, circumstances, first).routes;
        expect(part.slice(0, first)).toEqual(whole.slice(0, first));
        expect(new Set(part)).toEqual(new Set(whole));
        expect(part).toHaveLength(whole.length);
      }
    }),
  ));

describe('any plan with own keys', () => {
  const planned = fc
    .tuple(requests, askers, policies, catalogs, healths, ownKeys, some(CREDENTIALS))
    .map(([request, identity, policy, catalog, reports, own, usedUp]) => {
      const asked = { ...request, identity };
      const reply = planOf(asked, policy, catalog, reports, 1, own, usedUp);
      return { asked, policy, catalog, reports, own, usedUp, reply };
    });
  const mayServe = (own: readonly OwnKeyEntry[], slug: string) =>
    own.filter((key) => key.workspaceId === 'w' && key.provider === slug && !key.disabled);

  it('has every endpoint once with each key that it may be asked with, as an attempt or excluded', () =>
    fc.assert(
      fc.property(planned, ({ asked, catalog, own, reply }) => {
        routePlanReply.parse(reply);
        for (const endpoint of catalog.endpoints.values()) {
          if (!asked.models.includes(endpoint.model)) continue;
          const attempts = reply.attempts.filter(({ endpointId }) => endpointId === endpoint.id);
          const excluded = reply.excluded.filter(({ endpointId }) => endpointId === endpoint.id);
          const alone = excluded.filter(({ credentialId }) => credentialId === undefined);
          expect(alone.length + attempts.filter(({ byok }) => !byok).length).toBe(1);
          const judgesKeys = alone.every(({ rule }) => OF_ONE_WAY.includes(rule));
          const told = [...attempts.filter(({ byok }) => byok), ...excluded].flatMap(
            ({ credentialId }) => credentialId ?? [],
          );
          expect(told.sort()).toEqual(judgesKeys ? mayServe(own, endpoint.provider).map(({ id }) => id) : []);
        }
      }),
    ));

  it('asks with no credential that is used up, leaves out for it what could have served and nothing else, and breaks no other rule in its place', () =>
    fc.assert(
      fc.property(planned, ({ asked, policy, catalog, reports, own, usedUp, reply }) => {
        const isLimited = (credentialId: string | undefined): boolean =>
          [...catalog.providers.values(), ...own.map((key) => ({ ...key, credentialId: key.id }))].some(
            (each) => each.credentialId === credentialId && each.capacity !== undefined,
          );
        for (const { credentialId, capacity } of reply.attempts) {
          expect(isLimited(credentialId) && usedUp.includes(credentialId ?? '')).toBe(false);
          expect(capacity !== undefined).toBe(isLimited(credentialId));
        }
        const free = planOf(asked, policy, catalog, reports, 1, own);
        const fits = [
          ...free.attempts.map(({ endpointId, byok, credentialId }) => [endpointId, byok ? credentialId : undefined]),
          ...free.excluded
            .filter(({ rule }) => OF_ONE_WAY.includes(rule))
            .map(({ endpointId, credentialId }) => [endpointId, credentialId]),
        ].map(String);
        for (const { endpointId, byok, credentialId } of reply.attempts)
          expect(fits).toContain(String([endpointId, byok ? credentialId : undefined]));
        for (const { endpointId, credentialId, provider: slug, rule, retryAfterMs } of reply.excluded) {
          if (rule !== 'capacity') continue;
          expect(fits).toContain(String([endpointId, credentialId]));
          expect(usedUp).toContain(credentialId ?? `operator-${slug}`);
          expect(retryAfterMs).toBe(1_000);
        }
      }),
    ));

  it("never uses a key for whom it is not, nor the station's own where an own key is always used", () =>
    fc.assert(
      fc.property(planned, ({ asked: { identity }, catalog, own, reply }) => {
        for (const attempt of reply.attempts) {
          const admitted = mayServe(own, attempt.provider).filter(
            ({ allowedModels, allowedKeyHashes, allowedMemberIds }) =>
              allowedModels?.includes(attempt.model) !== false &&
              allowedKeyHashes?.includes(identity.keyHash) !== false &&
              allowedMemberIds?.includes(identity.memberId ?? '') !== false,
          );
          if (attempt.byok) expect(admitted.map(({ id }) => id)).toContain(attempt.credentialId);
          else {
            expect(attempt.credentialId).toBe(catalog.providers.get(attempt.provider)?.credentialId);
            expect(admitted.some(({ alwaysUse }) => alwaysUse)).toBe(false);
          }
        }
      }),
    ));

  it('breaks no hard rule for the sake of a key: whatever is tried with one could be tried without any', () =>
    fc.assert(
      fc.property(planned, ({ asked, policy, catalog, reply }) => {
        const bare = planOf(asked, policy, catalog, []);
        const fits = new Set([
          ...bare.attempts.map(({ endpointId }) => endpointId),
          ...bare.excluded.flatMap(({ endpointId, rule }) => (OF_ONE_WAY.includes(rule) ? (endpointId ?? []) : [])),
        ]);
        for (const { endpointId } of reply.attempts) expect(fits).toContain(endpointId);
      }),
    ));

  it("tries each model's own keys, then the station's capacity, then keys that are fallbacks, each endpoint's in their order", () =>
    fc.assert(
      fc.property(planned, ({ asked, own, reply }) => {
        const placeOf = ({ byok, credentialId }: RoutePlanReply['attempts'][number]): number =>
          !byok ? 1 : own.find(({ id }) => id === credentialId)?.isFallback === true ? 2 : 0;
        const groups =
          asked.preferences.sort?.partition === 'none'
            ? [reply.attempts]
            : asked.models.map((model) => reply.attempts.filter((attempt) => attempt.model === model));
        for (const group of groups) {
          const places = group.map(placeOf);
          expect(places).toEqual([...places].sort());
          for (const place of [0, 2]) {
            for (const endpointId of new Set(group.map((attempt) => attempt.endpointId))) {
              const orders = group
                .filter((attempt) => attempt.endpointId === endpointId && placeOf(attempt) === place)
                .map(({ credentialId }) => own.find(({ id }) => id === credentialId)?.sortOrder ?? 0);
              expect(orders).toEqual([...orders].sort());
            }
          }
        }
      }),
    ));
});

it('a filter speaks against a key exactly where it does not name who asks', () => {
  const entry: OwnKeyEntry = {
    ...{ ...stamp, id: 'own', workspaceId: 'w', provider: 'a' },
    ...{ disabled: false, isFallback: false, alwaysUse: false, sortOrder: 0, allowedMemberIds: ['anna'] },
  };
  const [key] = indexOwnKeys([entry]).of('w')?.get('a') ?? [];
  if (key === undefined) throw new Error('no key');
  const asks = { keyHash: KEY_HASHES[0] ?? '' };
  expect(filteredBy(key, 'lab/one', { ...asks, memberId: 'anna' })).toBeUndefined();
  expect(filteredBy(key, 'lab/one', { ...asks, memberId: 'ben' })).toBe('allowed_user_ids');
  expect(filteredBy(key, 'lab/one', asks)).toBe('allowed_user_ids');
});

describe('the split over conversations', () => {
  const priced = (prices: Record<string, number>): RoutableCatalog => ({
    revision: 1,
    models: new Map(),
    providers: new Map(
      Object.keys(prices).map((slug) => [
        slug,
        {
          ...stamp,
          slug,
          name: slug,
          dialect: 'd',
          baseUrl: 'https://x',
          allowPrivateAddress: false,
          credentialId: 'c',
          dataPolicy: { retains: false, trains: false },
          billsAfterCancel: false,
        },
      ]),
    ),
    endpoints: new Map(
      Object.entries(prices).map(([slug, price]) => [
        slug,
        {
          ...stamp,
          id: `lab/one@${slug}`,
          model: 'lab/one',
          provider: slug,
          tag: slug,
          upstreamModel: 'm',
          apis: ['chat'],
          context: 1000,
          inputModalities: ['text'],
          outputModalities: ['text'],
          supportedParameters: [],
          priceVersion: `price-${'0'.repeat(32)}`,
          price: { perUnit: { input: String(price), output: String(price) } },
          enabled: true,
        },
      ]),
    ),
  });
  const firstChoices = (catalog: RoutableCatalog, conversations: number, conversation: boolean): string[] => {
    const snapshot = {
      index: buildRoutingIndex(catalog),
      health: createHealthBoard(),
      ownKeys: NO_OWN_KEYS,
      nowMs: NOW,
    };
    const random = seeded(7);
    return Array.from({ length: conversations }, (_, each) => {
      const request: RoutePlanRequest = {
        v: 1,
        generationId: 'gen-1700000000-00000000000000000000',
        identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
        models: ['lab/one'],
        preferences: {},
        features: {
          api: 'chat',
          dialect: 'd',
          stream: false,
          bodyBytes: 1,
          inputTokensEstimate: 1,
          parameters: [],
          inputModalities: ['text'],
          outputModalities: ['text'],
          toolCount: 0,
          messageCount: 1,
          ...(conversation ? { conversation: `conversation ${each}` } : {}),
        },
      };
      return planRoute(request, rulesOfPolicy({ ...stamp, id: 'p' }), snapshot, random).attempts[0]?.provider ?? '';
    });
  };
  const share = (choices: readonly string[], slug: string): number =>
    choices.filter((each) => each === slug).length / choices.length;

  it.each([true, false])('follows 1/price² (with a conversation: %s)', (conversation) => {
    // Weights 1, 1/4, 1/9: shares 36/49, 9/49, 4/49.
    const choices = firstChoices(priced({ cheap: 1, middle: 2, dear: 3 }), 100_000, conversation);
    expect(Math.abs(share(choices, 'cheap') / (36 / 49) - 1)).toBeLessThan(0.02);
    expect(Math.abs(share(choices, 'middle') / (9 / 49) - 1)).toBeLessThan(0.02);
    expect(Math.abs(share(choices, 'dear') / (4 / 49) - 1)).toBeLessThan(0.02);
  });

  it('gives a free endpoint the weight of the cheapest priced one', () => {
    const choices = firstChoices(priced({ free: 0, cheap: 10, dear: 30 }), 20_000, true);
    expect(Math.abs(share(choices, 'free') - 9 / 19)).toBeLessThan(0.015);
    expect(Math.abs(share(choices, 'cheap') - 9 / 19)).toBeLessThan(0.015);
  });

  it('an endpoint that goes away moves only its own conversations', () => {
    const before = firstChoices(priced({ a: 1, b: 1, c: 1, d: 2 }), 5_000, true);
    const after = firstChoices(priced({ a: 1, c: 1, d: 2 }), 5_000, true);
    before.forEach((choice, each) => {
      if (choice !== 'b') expect(after[each]).toBe(choice);
      else expect(after[each]).not.toBe('b');
    });
  });

  it('moves no other conversation, whatever the prices and whichever endpoint goes away', () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...SLUGS), fc.integer({ min: 0, max: 1_000 }), { minKeys: 2 }),
        fc.nat(),
        (prices, chosen) => {
          const slugs = Object.keys(prices).sort();
          const dearest = Object.values(prices).filter((price) => price > 0);
          const gone = slugs[chosen % slugs.length] ?? '';
          // Weights are relative to the cheapest: all of them scaled alike changes no choice, unless free endpoints weigh as one that goes away.
          fc.pre(!slugs.some((slug) => prices[slug] === 0) || prices[gone] !== Math.min(...dearest));
          const left = Object.fromEntries(Object.entries(prices).filter(([slug]) => slug !== gone));
          const before = firstChoices(priced(prices), 50, true);
          const after = firstChoices(priced(left), 50, true);
          before.forEach((choice, each) => {
            if (choice !== gone) expect(after[each]).toBe(choice);
          });
        },
      ),
      { numRuns: 50 },
    ));
});
