// What a plan is told to have been made from, and what it is drawn by.
import type { EndpointEntry, ProviderEntry, RoutePlanRequest } from '@waystation/contracts';
import { NO_RULES } from '@waystation/policy';
import {
  buildRoutingIndex,
  createHealthBoard,
  createHealthTally,
  NO_OWN_KEYS,
  planAgain,
  type HealthBoard,
  type RoutingWorld,
} from '@waystation/routing';
import { createMetrics } from '@waystation/runtime';
import { PlanHandler } from './plan.handler.js';
import type { RoutingState } from './routing-state.js';

const SLUGS = ['a', 'b', 'c', 'd', 'e', 'f'];
const idOf = (slug: string): string => `lab/one@${slug}`;
const stamp = { v: 1 as const, version: 1 };
const provider = (slug: string): ProviderEntry => ({
  ...{ ...stamp, slug, name: slug, dialect: 'd', baseUrl: 'https://example.com', allowPrivateAddress: false },
  ...{ credentialId: 'c', dataPolicy: { retains: false, trains: false }, billsAfterCancel: false },
});
const endpoint = (slug: string): EndpointEntry => ({
  ...{ ...stamp, id: idOf(slug), model: 'lab/one', provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'] },
  ...{ context: 1000, inputModalities: ['text'], outputModalities: ['text'], supportedParameters: [], enabled: true },
  ...{ priceVersion: `price-${'0'.repeat(32)}`, price: { perUnit: { input: '1', output: '1' } } },
});
const world: RoutingWorld = {
  catalog: {
    revision: 7,
    providers: new Map(SLUGS.map((slug) => [slug, provider(slug)])),
    models: new Map(),
    endpoints: new Map(SLUGS.map((slug) => [idOf(slug), endpoint(slug)])),
  },
  policies: new Map(),
  ownKeys: [],
};
const index = buildRoutingIndex(world.catalog);
const handlerOver = (health: HealthBoard): PlanHandler => {
  const state: RoutingState = {
    snapshot: (nowMs) => ({ index, health, ownKeys: NO_OWN_KEYS, nowMs }),
    rulesOf: () => NO_RULES,
    world,
    turn: () => ({ place: 0, of: 1 }),
    close: () => Promise.resolve(),
  };
  return new PlanHandler(state, createMetrics());
};
const requestOf = (generation: number, more: Partial<RoutePlanRequest> = {}): RoutePlanRequest => ({
  ...{ v: 1, generationId: `gen-1700000000-${String(generation).padStart(20, '0')}`, models: ['lab/one'] },
  ...{ identity: { workspaceId: 'w', keyHash: '0'.repeat(64) }, preferences: {}, explain: true, ...more },
  features: {
    ...{ api: 'chat', dialect: 'd', stream: false, bodyBytes: 1, inputTokensEstimate: 1, parameters: [] },
    ...{ inputModalities: ['text'], outputModalities: ['text'], toolCount: 0, messageCount: 1 },
  },
});

it('a plan that tries an endpoint out tells the state that it was planned by, not the one that it leaves behind', () => {
  const tally = createHealthTally();
  for (let each = 0; each < 10; each += 1) tally.record(idOf('a'), { verdict: 'failed' }, 0);
  const health = createHealthBoard();
  const message = { instance: 'worker-1', clockMs: 0, endpoints: tally.news(0), credentials: [] };
  health.hear(message, Date.now() - 20_000);
  const handler = handlerOver(health);
  const [first, second] = [1, 2].map((generation) => {
    const request = requestOf(generation);
    const { inputs, ...plan } = handler.plan(request);
    if (inputs === undefined) throw new Error('nothing was told');
    expect(planAgain(request, inputs)).toEqual(plan);
    const told = inputs.health.find(({ endpointId }) => endpointId === idOf('a'));
    return [told?.state, plan.attempts[0]?.endpointId === idOf('a')];
  });
  expect([first, second]).toEqual([
    ['trial', true],
    ['out', false],
  ]);
});

it('the same generation is planned the same way by whichever router, and generations are spread over all', () => {
  const [one, other] = [handlerOver(createHealthBoard()), handlerOver(createHealthBoard())];
  const firsts = new Set<string | undefined>();
  for (let generation = 0; generation < 200; generation += 1) {
    const plan = one.plan(requestOf(generation, { explain: false }));
    expect(other.plan(requestOf(generation, { explain: false }))).toEqual(plan);
    firsts.add(plan.attempts[0]?.provider);
  }
  expect([...firsts].sort()).toEqual(SLUGS);
});
