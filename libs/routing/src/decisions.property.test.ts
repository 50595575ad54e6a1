// What holds for every decision that is kept: from its own inputs the same plan comes again, and where nothing is different nothing moves and nothing costs otherwise.
import type {
  DecisionRecorded,
  EndpointEntry,
  OwnKeyEntry,
  PolicyEntry,
  ProviderEntry,
  RoutePlanRequest,
} from '@waystation/contracts';
import { decisionDifference, decisionRecorded, routingInputs } from '@waystation/contracts';
import { creditsOf, decideCharge, surchargeRateOf } from '@waystation/ledger';
import { mergeRules, rulesOfPolicy } from '@waystation/policy';
import fc from 'fast-check';
import { inputsOf, planAgain, type RoutingWorld } from './decision-inputs.js';
import { createHealthBoard } from './health.js';
import { indexOwnKeys } from './own-keys.js';
import { againUnder } from './plan-decisions-again.js';
import { planRoute } from './plan-route.js';
import { randomOf } from './random-of.js';
import { buildRoutingIndex } from './routing-index.js';

const NOW = 1_700_000_000_000;
const stamp = { v: 1 as const, version: 1 };
const MODELS = ['lab/one', 'lab/two'];
const SLUGS = ['a', 'b', 'c', 'd', 'e'];
const ENDPOINTS = MODELS.flatMap((model) => SLUGS.map((slug) => ({ model, slug, id: `${model}@${slug}` })));
const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value[]> => fc.subarray([...values]);

const providers = SLUGS.map((slug): ProviderEntry => ({
  ...stamp,
  slug,
  name: slug.toUpperCase(),
  dialect: 'openai-chat',
  baseUrl: 'https://example.com',
  allowPrivateAddress: false,
  credentialId: `station-${slug}`,
  headers: { 'x-secret': 'of the operator' },
  dataPolicy: { retains: slug === 'a', trains: slug === 'b', region: slug < 'c' ? 'eu' : 'us' },
  billsAfterCancel: false,
}));
const endpoints = fc
  .tuple(fc.subarray(ENDPOINTS, { minLength: 1 }), fc.array(fc.nat(9), { minLength: 20, maxLength: 20 }))
  .map(([chosen, prices]) =>
    chosen.map(({ model, slug, id }, each): EndpointEntry => ({
      ...stamp,
      ...{ id, model, provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'], context: 1000, enabled: true },
      inputModalities: ['text'],
      outputModalities: ['text'],
      supportedParameters: each % 2 === 0 ? ['tools'] : [],
      priceVersion: `price-${'0'.repeat(32)}`,
      price: { perUnit: { input: String(prices[each]), output: String(prices[each + 10]) } },
    })),
  );
const policies = fc.array(
  fc.record(
    { ignoredProviders: some(SLUGS), zdr: fc.boolean(), regions: fc.constantFrom<string[]>(['eu'], ['us', 'eu']) },
    { requiredKeys: [] },
  ),
  { maxLength: 2 },
);
const ownKeys = fc.array(
  fc.record({
    workspaceId: fc.constantFrom('w', 'other'),
    provider: fc.constantFrom(...SLUGS),
    isFallback: fc.boolean(),
    alwaysUse: fc.boolean(),
  }),
  { maxLength: 4 },
);
const healths = fc.array(
  fc.record({
    endpointId: fc.constantFrom(...ENDPOINTS.map(({ id }) => id)),
    succeeded: fc.nat(200),
    failed: fc.nat(200),
  }),
  { maxLength: 8 },
);
const requests = fc.record({
  id: fc.nat(1e9),
  models: fc.subarray([...MODELS, 'no/such'], { minLength: 1 }),
  conversation: fc.option(fc.string({ maxLength: 8 }), { nil: undefined }),
  preferences: fc.record(
    {
      order: some(SLUGS),
      ignore: some(SLUGS),
      allowFallbacks: fc.boolean(),
      sort: fc.constant({ by: 'price' as const }),
      maxPrice: fc.record({ prompt: fc.nat(9).map(String) }),
    },
    { requiredKeys: [] },
  ),
  tools: fc.boolean(),
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
    policies,
    ownKeys,
    healths,
    rates: fc.tuple(fc.nat(100_000), fc.nat(100_000)),
    servedAt: fc.option(fc.nat(7), { nil: undefined }),
    usage: fc.record({ input: fc.nat(1000), output: fc.nat(1000) }),
  })
  .map((each): Case => {
    const entries = each.policies.map((policy, index): PolicyEntry => ({ ...stamp, id: `p${index}`, ...policy }));
    const keys = each.ownKeys.map((key, index): OwnKeyEntry => ({
      ...{ ...stamp, ...key, id: `own-${index}`, disabled: false, sortOrder: index },
    }));
    const world: RoutingWorld = {
      catalog: {
        revision: 7,
        providers: new Map(providers.map((provider) => [provider.slug, provider])),
        models: new Map(),
        endpoints: new Map(each.endpoints.map((endpoint) => [endpoint.id, endpoint])),
      },
      policies: new Map(entries.map((entry) => [entry.id, entry])),
      ownKeys: keys,
    };
    const { id, models, preferences, conversation, tools } = each.requests;
    const request = {
      v: 1 as const,
      generationId: `gen-1700000000-${String(id).padStart(20, '0')}`,
      identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
      ...{ models, preferences, policyIds: entries.map((entry) => entry.id) },
      features: {
        ...{ api: 'chat' as const, dialect: 'openai-chat', stream: false, bodyBytes: 1, inputTokensEstimate: 10 },
        ...{ parameters: tools ? ['tools'] : [], toolCount: 0, messageCount: 1 },
        inputModalities: ['text' as const],
        outputModalities: ['text' as const],
        ...(conversation === undefined ? {} : { conversation }),
      },
    };
    const health = createHealthBoard();
    health.merge(each.healths, NOW);
    const plan = planRoute(
      request,
      mergeRules(entries.map(rulesOfPolicy)),
      { index: buildRoutingIndex(world.catalog), health, ownKeys: indexOwnKeys(keys), nowMs: NOW },
      randomOf(request.generationId),
    );
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
    const decision: DecisionRecorded = decisionRecorded.parse({
      ...{ ...request, kind: 'decision.recorded', createdAt: NOW, because: 'asked', plan, markupPpm, byokFeePpm },
      inputs: inputsOf(request, plan, world, health, NOW),
      tried: [],
      served: served && {
        endpointId: served.endpointId,
        ...(served.byok ? { credentialId: served.credentialId } : {}),
        ...{ outcome: 'completed', usage: each.usage, usageSource: 'provider' },
        costPicodollars: charge(served).toString(),
      },
    });
    return { request, world, decision };
  });

const NO_PRICES = new Map<string, never>();

it('a decision planned again from exactly its own inputs is the same plan', () => {
  fc.assert(
    fc.property(cases, ({ request, decision }) => {
      const again = decisionRecorded.shape.plan.parse(planAgain(request, routingInputs.parse(decision.inputs)));
      expect(again).toEqual(decision.plan);
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
    { numRuns: 300 },
  );
});

it('another draw, another policy or another price gives the same answer every time, and never an endpoint that the change forbids', () => {
  fc.assert(
    fc.property(cases, some(SLUGS), fc.boolean(), ({ decision }, exclude, zdr) => {
      const change = { exclude_providers: exclude, policy: { zdr } };
      const told = againUnder(change, undefined, NO_PRICES)(decision);
      expect(againUnder(change, undefined, NO_PRICES)(decision)).toEqual(told);
      expect(exclude).not.toContain(told.after?.provider);
      if (zdr) expect(told.after?.provider).not.toBe('a');
      const [before, after] = [told.costBefore, told.costAfter].map((cost) => BigInt(cost ?? 0));
      if (told.difference !== undefined) expect(BigInt(told.difference)).toBe((after ?? 0n) - (before ?? 0n));
    }),
    { numRuns: 300 },
  );
});

it('what is kept names no header of a provider, and no own key of another workspace', () => {
  fc.assert(
    fc.property(cases, ({ decision }) => {
      expect(JSON.stringify(decision)).not.toContain('of the operator');
      expect(decision.inputs?.ownKeys.every(({ workspaceId }) => workspaceId === 'w')).toBe(true);
    }),
    { numRuns: 50 },
  );
});
