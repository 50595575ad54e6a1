// What holds for every decision that is kept: from its own inputs the same plan comes again, and where nothing is different nothing moves and nothing costs otherwise.
import {
  decisionDifference,
  decisionRecorded,
  ENDPOINT_STATES,
  EXCLUSION_RULES,
  ZDR_GROUPS,
  type DecisionRecorded,
  type EndpointEntry,
  type ModelEntry,
  type OwnKeyEntry,
  type PolicyEntry,
  type ProviderEntry,
  type ProviderPreferences,
  type RouteFeatures,
  type RoutePlanRequest,
} from '@waystation/contracts';
import { creditsOf, decideCharge, surchargeRateOf } from '@waystation/ledger';
import { mergeRules, rulesOfPolicy } from '@waystation/policy';
import fc from 'fast-check';
import { inputsOf, planAgain, type RoutingWorld } from './decision-inputs.js';
import { createCapacityBoard, type CapacityBoard } from './capacity-board.js';
import { createHealthBoard, type HealthBoard } from './health.js';
import { createHealthTally } from './health-tally.js';
import { indexOwnKeys } from './own-keys.js';
import { againUnder } from './plan-decisions-again.js';
import { planRoute } from './plan-route.js';
import { randomOf } from './random-of.js';
import { buildRoutingIndex } from './routing-index.js';

const NOW = 1_700_000_000_000;
const stamp = { v: 1 as const, version: 1 };
/** One of no family, and three of one. */
const MODELS = ['lab/one', 'google/two-1', 'google/two-2', 'google/two-3'];
const SLUGS = ['a', 'b', 'c', 'd', 'e'];
const PLACES = SLUGS.flatMap((slug) => [
  { slug, tag: slug },
  { slug, tag: `${slug}/flex` },
  { slug, tag: `${slug}/priority` },
]);
/** Of `gone` the catalog has no provider. */
const ENDPOINTS = MODELS.flatMap((model) =>
  [...PLACES, { slug: 'gone', tag: 'gone' }].map(({ slug, tag }) => ({ model, slug, tag, id: `${model}@${tag}` })),
);
const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value[]> => fc.subarray([...values]);
const SORTS = ['price', 'throughput', 'latency', 'exacto'] as const;
/** Half of the requests have one of these besides. */
const TWISTS: readonly { preferences?: Partial<ProviderPreferences>; features?: Partial<RouteFeatures> }[] = [
  { preferences: { only: ['a', 'b'] } },
  { preferences: { quantizations: ['fp8'] } },
  { preferences: { dataCollection: 'deny' } },
  { features: { inputModalities: ['image'] } },
  { features: { inputTokensEstimate: 1_500 } },
  { features: { inputTokensEstimate: 1_500, compression: 'always' } },
  { features: { maxOutputTokens: 1_500 } },
  { features: { api: 'embeddings' } },
];

const providers = SLUGS.map((slug): ProviderEntry => ({
  ...stamp,
  slug,
  name: slug.toUpperCase(),
  dialect: 'openai-chat',
  baseUrl: 'https://example.com',
  allowPrivateAddress: false,
  ...(slug === 'e' ? {} : { credentialId: `station-${slug}` }),
  ...(slug < 'c' ? {} : { capacity: { requestsPerMinute: 20, tokensPerMinute: 2_000 } }),
  headers: { 'x-secret': 'of the operator' },
  dataPolicy: { retains: slug === 'a', trains: slug === 'b', region: slug < 'c' ? 'eu' : 'us' },
  billsAfterCancel: false,
}));
const endpoints = fc
  .tuple(
    fc.oneof(fc.subarray(ENDPOINTS, { minLength: 1 }), fc.constant(ENDPOINTS)),
    fc.array(fc.nat(999), { minLength: ENDPOINTS.length, maxLength: ENDPOINTS.length }),
  )
  .map(([chosen, numbers]) =>
    chosen.map(({ model, slug, tag, id }, index): EndpointEntry => ({
      ...stamp,
      ...{ id, model, provider: slug, tag, upstreamModel: 'm' },
      apis: index % 5 === 0 ? ['chat', 'embeddings'] : ['chat'],
      context: index % 3 === 0 ? 2000 : 1000,
      ...(index % 3 === 1 ? { quantization: 'fp8' } : {}),
      enabled: (numbers[index] ?? 0) % 9 !== 0,
      inputModalities: index % 4 === 0 ? ['text', 'image'] : ['text'],
      outputModalities: ['text'],
      supportedParameters: index % 2 === 0 ? ['tools'] : [],
      priceVersion: `price-${'0'.repeat(32)}`,
      price: { perUnit: { input: String((numbers[index] ?? 0) % 10), output: String((numbers[index] ?? 0) >> 7) } },
    })),
  );
const models = fc.array(fc.record({ created: fc.nat(2), distillable: fc.boolean() }), {
  minLength: MODELS.length,
  maxLength: MODELS.length,
});
const policies: fc.Arbitrary<Partial<PolicyEntry>[]> = fc.oneof(
  fc.constant<Partial<PolicyEntry>[]>([]),
  fc.array(
    fc.record(
      {
        allowedModels: fc.subarray(MODELS, { minLength: 2 }),
        allowedProviders: fc.subarray(SLUGS, { minLength: 3 }),
        ignoredProviders: some(SLUGS),
        zdr: fc.boolean(),
        zdrGroups: some(ZDR_GROUPS),
        regions: fc.constantFrom<string[]>(['eu'], ['us', 'eu']),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 2 },
  ),
);
/** Of the innermost policy. Most say nothing, for with a sort no conversation has a home. */
const policySorts = fc.constantFrom(undefined, undefined, undefined, ...SORTS);
const ownKeys = fc.array(
  fc.record(
    {
      workspaceId: fc.constantFrom('w', 'other'),
      provider: fc.constantFrom(...SLUGS),
      isFallback: fc.boolean(),
      alwaysUse: fc.boolean(),
      allowedModels: some(MODELS),
    },
    { requiredKeys: ['workspaceId', 'provider', 'isFallback', 'alwaysUse'] },
  ),
  { maxLength: 4 },
);
/** What workers met of an endpoint: failures that come last leave it out. Read off one number, for there are many. */
const metOf = (endpointId: string, number: number) => ({
  endpointId,
  succeeded: [0, 5, 5, 5, 5, 5, 110][number % 7] ?? 0,
  failed: [0, 0, 1, 12, 30][number % 5] ?? 0,
  failedLast: number % 3 === 0,
  restMs: number % 11 === 0 ? 60_000 : undefined,
  timeToFirstTokenMs: 1 + (number % 4_999),
  tokensPerSecond: 1 + (number % 499),
});
type Met = ReturnType<typeof metOf>;
/** Of few, or of all. */
const healths: fc.Arbitrary<Met[]> = fc
  .tuple(fc.constantFrom(1, 1, 9), fc.array(fc.nat(1e6), { minLength: ENDPOINTS.length, maxLength: ENDPOINTS.length }))
  .map(([one, numbers]) =>
    ENDPOINTS.map(({ id }, index) => metOf(id, numbers[index] ?? 0)).filter((_, index) => index % one === 0),
  );
const refusals = some([...SLUGS.map((slug) => `station-${slug}`), 'own-0', 'own-1']);

const uses = fc.array(
  fc.record({
    id: fc.constantFrom(...SLUGS.map((slug) => `station-${slug}`), 'own-0', 'own-1'),
    requests: fc.constantFrom(3, 19, 20),
    tokens: fc.constantFrom(100, 1_990, 2_000),
    inFlight: fc.nat(3),
  }),
  { maxLength: 6 },
);
const capacityOf = (
  used: readonly { id: string; requests: number; tokens: number; inFlight: number }[],
  heardBeforeMs: number,
): CapacityBoard => {
  const board = createCapacityBoard();
  const capacity = used.map(({ id, inFlight, ...counts }) => ({ id, inFlight, slots: [{ slot: 0, ...counts }] }));
  board.hear({ instance: 'worker-1', clockMs: 1, capacity }, NOW - heardBeforeMs);
  return board;
};

const boardOf = (all: readonly Met[], refused: readonly string[], heardBeforeMs: number): HealthBoard => {
  const [tally, credentials] = [createHealthTally(), createHealthTally()];
  for (const { endpointId, succeeded, failed, failedLast, restMs, ...speed } of all) {
    const fails = (): void => {
      for (let each = 0; each < failed; each += 1) tally.record(endpointId, { verdict: 'failed' }, failedLast ? 1 : 0);
    };
    if (!failedLast) fails();
    for (let each = 0; each < succeeded; each += 1)
      tally.record(endpointId, { verdict: 'succeeded', ...speed }, failedLast ? 0 : 1);
    if (failedLast) fails();
    if (restMs !== undefined) tally.record(endpointId, { verdict: 'rateLimited', restMs }, 1);
  }
  for (const id of refused) for (let each = 0; each < 3; each += 1) credentials.record(id, { verdict: 'failed' }, 0);
  const board = createHealthBoard();
  const message = { instance: 'worker-1', clockMs: 1, endpoints: tally.news(1), credentials: credentials.news(1) };
  board.hear(message, NOW - heardBeforeMs);
  return board;
};
const speeds = fc.record({ p50: fc.integer({ min: 1, max: 400 }), p99: fc.integer({ min: 1, max: 400 }) });
const sorts = fc.record(
  {
    by: fc.constantFrom(...SORTS),
    partition: fc.constantFrom('model' as const, 'none' as const),
  },
  { requiredKeys: [] },
);
const requests = fc.record({
  id: fc.nat(1e9),
  models: fc.oneof(
    fc.subarray(MODELS, { minLength: 1 }),
    fc.subarray([...MODELS, '~google/two-latest', 'lab/one:nitro', 'google/two-1:floor', 'no/such'], { minLength: 1 }),
  ),
  conversation: fc.option(fc.string({ maxLength: 8 }), { nil: undefined }),
  preferences: fc.oneof(
    fc.constant({}),
    fc.record({ sort: sorts }),
    fc.record(
      {
        order: some(['a', 'b', 'c/flex', 'd/priority']),
        ignore: some(SLUGS),
        allowFallbacks: fc.boolean(),
        sort: sorts,
        maxPrice: fc.record({ prompt: fc.nat(9).map(String) }),
        preferredMinThroughput: speeds,
        preferredMaxLatency: speeds.map(({ p50 }) => ({ p50: p50 / 100 })),
        enforceDistillableText: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  ),
  tools: fc.boolean(),
  serviceTier: fc.option(fc.constantFrom('flex', 'priority', 'fast', 'default'), { nil: undefined, freq: 2 }),
  twist: fc.option(fc.constantFrom(...TWISTS), { nil: undefined, freq: 2 }),
});

interface Case {
  readonly request: RoutePlanRequest & { readonly policyIds: string[] };
  readonly world: RoutingWorld;
  readonly decision: DecisionRecorded;
}

/** A plan as the router makes it, and a story of what came of it, as the ingress tells that. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    requests,
    endpoints,
    models,
    policies,
    policySort: policySorts,
    ownKeys,
    healths,
    refusals,
    uses,
    overrides: fc.dictionary(
      fc.constantFrom(...MODELS),
      fc.record({ place: fc.nat(99), ageMs: fc.constantFrom(0, 599_000, 600_001) }),
    ),
    heardBeforeMs: fc.constantFrom(0, 3_700, 5_000, 30_000, 90_000),
    rates: fc.tuple(fc.nat(100_000), fc.nat(100_000)),
    servedAt: fc.option(fc.nat(7), { nil: undefined }),
    usage: fc.record({ input: fc.nat(1000), output: fc.nat(1000) }),
  })
  .map((each): Case => {
    const entries = each.policies.map((policy, index): PolicyEntry => ({
      ...{ ...policy, ...stamp, id: `p${index}` },
      ...(index === each.policies.length - 1 && each.policySort !== undefined ? { sort: each.policySort } : {}),
      contentFilters: [{ action: 'block', pattern: 'name of a secret project' }],
    }));
    const keys = each.ownKeys.map((key, index): OwnKeyEntry => ({
      ...{ ...stamp, ...key, id: `own-${index}`, disabled: false, sortOrder: index, capacity: { inFlight: 2 } },
    }));
    const world: RoutingWorld = {
      catalog: {
        revision: 7,
        providers: new Map(providers.map((provider) => [provider.slug, provider])),
        models: new Map(MODELS.map((id, index) => [id, modelOf(id, each.models[index])])),
        endpoints: new Map(each.endpoints.map((endpoint) => [endpoint.id, endpoint])),
      },
      policies: new Map(entries.map((entry) => [entry.id, entry])),
      ownKeys: keys,
    };
    const { id, conversation, tools, serviceTier, twist } = each.requests;
    const preferences = { ...each.requests.preferences, ...twist?.preferences };
    const request = {
      v: 1 as const,
      generationId: `gen-1700000000-${String(id).padStart(20, '0')}`,
      identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
      ...{ models: each.requests.models, preferences, policyIds: entries.map((entry) => entry.id) },
      features: {
        ...{ api: 'chat' as const, dialect: 'openai-chat', stream: false, bodyBytes: 1, inputTokensEstimate: 10 },
        ...{ parameters: tools ? ['tools'] : [], toolCount: tools ? 1 : 0, messageCount: 1 },
        inputModalities: ['text' as const],
        outputModalities: ['text' as const],
        ...(conversation === undefined ? {} : { conversation }),
        ...(serviceTier === undefined ? {} : { serviceTier }),
        ...twist?.features,
      },
    };
    const health = boardOf(each.healths, each.refusals, each.heardBeforeMs);
    const moment = {
      health,
      figuresOf: (endpointId: string, nowMs: number) => health.figuresOf(endpointId, nowMs),
      capacity: capacityOf(each.uses, each.heardBeforeMs),
      overrides: {
        of(workspaceId: string, model: string) {
          const told = each.overrides[model];
          const of = ENDPOINTS.filter((endpoint) => endpoint.model === model);
          const endpointId = of[(told?.place ?? 0) % of.length]?.id;
          return workspaceId !== 'w' || told === undefined || endpointId === undefined
            ? undefined
            : { endpointId, at: NOW - told.ageMs };
        },
      },
      nowMs: NOW,
    };
    const plan = planRoute(
      request,
      mergeRules(entries.map(rulesOfPolicy)),
      { index: buildRoutingIndex(world.catalog), ownKeys: indexOwnKeys(keys), ...moment },
      randomOf(request.generationId),
    );
    const inputs = inputsOf(request, plan, world, moment);
    // What a router does next; what was kept is of before.
    for (const { endpointId, byok } of plan.attempts) if (!byok) health.sent(endpointId, NOW);
    const served = each.servedAt === undefined ? undefined : plan.attempts[each.servedAt % plan.attempts.length];
    const [markupPpm, byokFeePpm] = each.rates;
    const charge = (attempt: (typeof plan.attempts)[number]): bigint =>
      creditsOf(
        decideCharge({
          ...{ outcome: 'completed', served: true, usage: each.usage, usageSource: 'provider', price: attempt.price },
          ...{ holdPicodollars: 10n ** 30n, byok: attempt.byok },
          surchargePpm: surchargeRateOf({ markupPpm, byokFeePpm }, attempt.byok),
        }),
      );
    const line = {
      ...{ ...request, kind: 'decision.recorded', createdAt: NOW, because: 'asked', plan, markupPpm, byokFeePpm },
      inputs,
      tried: [],
      served: served && {
        endpointId: served.endpointId,
        ...(served.byok ? { credentialId: served.credentialId } : {}),
        ...{ outcome: 'completed', usage: each.usage, usageSource: 'provider' },
        costPicodollars: charge(served).toString(),
      },
    };
    const decision = decisionRecorded.parse(JSON.parse(JSON.stringify(line)));
    return { request, world, decision };
  });

const modelOf = (id: string, told: { created: number; distillable: boolean } | undefined): ModelEntry => ({
  ...{ ...stamp, id, name: id, created: told?.created ?? 0, distillable: told?.distillable },
  ...{ context: 1000, inputModalities: ['text'], outputModalities: ['text'] },
});

const NO_PRICES = new Map<string, never>();

/** The cases below are worth nothing if they never meet most of what there is. */
it('the cases meet every state of health, sorts by every measure, and every rule of plans', () => {
  const decisions = fc.sample(cases, { numRuns: 400, seed: 5 }).map(({ decision }) => decision);
  const states = new Set(decisions.flatMap(({ inputs }) => inputs?.health.map(({ state }) => state) ?? []));
  expect(ENDPOINT_STATES.filter((state) => !states.has(state))).toEqual([]);
  const rules = new Set(decisions.flatMap(({ plan }) => plan.excluded.map(({ rule }) => rule)));
  expect(EXCLUSION_RULES.filter((rule) => !rules.has(rule))).toEqual([]);
  const strategies = new Set(decisions.map(({ plan }) => plan.strategy.replace(/^.*\+/, '')));
  const measures = ['exacto', 'latency', 'throughput'];
  expect([...strategies]).toEqual(
    expect.arrayContaining([
      ...measures,
      ...measures.map((each) => `${each}-unmeasured`),
      'price',
      'conversation',
      'override',
      'weighted',
    ]),
  );
});

it('a decision planned again from exactly its own inputs is the same plan', () => {
  fc.assert(
    fc.property(cases, ({ request, decision }) => {
      const { inputs, plan } = decision;
      if (inputs === undefined) throw new Error('too large to keep');
      const again = decisionRecorded.shape.plan.parse(planAgain(request, inputs));
      expect(again).toEqual(plan);
    }),
    { numRuns: 300 },
  );
});

it('where nothing is different nothing moves and nothing costs otherwise, against what was recorded and against a present that is the same', () => {
  fc.assert(
    fc.property(cases, ({ world, decision }) => {
      for (const present of [undefined, world]) {
        const told = againUnder({}, present, NO_PRICES)(decision);
        expect(decisionDifference.safeParse(told).success).toBe(true);
        expect([told.result, told.difference ?? '0', told.after]).toEqual(['same', '0', told.before]);
      }
    }),
    { numRuns: 150 },
  );
});

it('another draw, another policy or another price gives the same answer every time, and never an endpoint that the change forbids', () => {
  fc.assert(
    fc.property(cases, some(SLUGS), fc.boolean(), ({ decision }, exclude, zdr) => {
      const change = { exclude_providers: exclude, policy: { enforce_zdr: zdr } };
      const told = againUnder(change, undefined, NO_PRICES)(decision);
      expect(againUnder(change, undefined, NO_PRICES)(decision)).toEqual(told);
      expect(exclude).not.toContain(told.after?.provider);
      if (zdr) expect(told.after?.provider).not.toBe('a');
      const [before, after] = [told.costBefore, told.costAfter].map((cost) => BigInt(cost ?? 0));
      if (told.difference !== undefined) expect(BigInt(told.difference)).toBe((after ?? 0n) - (before ?? 0n));
    }),
    { numRuns: 150 },
  );
});

it('what is kept names no header of a provider, no content filter, and no own key of another workspace', () => {
  fc.assert(
    fc.property(cases, ({ decision }) => {
      expect(JSON.stringify(decision)).not.toMatch(/of the operator|secret project/);
      expect(decision.inputs?.ownKeys.every(({ workspaceId }) => workspaceId === 'w')).toBe(true);
    }),
    { numRuns: 50 },
  );
});
