// The router over a real NATS: it plans from what stands in KV, follows it, and refuses rather than guess.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import {
  HealthCounters,
  RoutePlan,
  SNAPSHOT_KEYS,
  type EndpointEntry,
  type OwnKeyEntry,
  type PolicyEntry,
  type ProviderEntry,
  type RoutePlanReply,
  type RoutePlanRequest,
} from '@waystation/contracts';
import { createHealthTally } from '@waystation/routing';
import { affinityKeyOf, createHealth, createMetrics } from '@waystation/runtime';
import { natsServer, type TestNats } from '@waystation/testing';
import { pino } from 'pino';
import { PlanHandler } from './plan.handler.js';
import { createRoutingState, type RoutingState } from './routing-state.js';

let nats: TestNats;
let control: Bus;
let router: Bus;
let ingress: Bus;
let state: RoutingState;
let handler: PlanHandler;
const health = createHealth();
const metrics = createMetrics();

const busOf = (service: string): Promise<Bus> =>
  connectBus({
    url: nats.url,
    service,
    services: [service],
    release: 'test',
    times: { aliveEveryMs: 200, reconnectWaitMs: 50, journalAckTimeoutMs: 15_000, rpcTimeoutMs: 15_000 },
  });
const until = async (what: string, holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> => {
  const endsAt = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > endsAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
};

let version = 0;
const stamp = (): { v: 1; version: number } => ({ v: 1, version });
const provider = (slug: string): ProviderEntry => ({
  ...stamp(),
  slug,
  name: slug,
  dialect: 'openai-chat',
  baseUrl: 'https://example.com',
  allowPrivateAddress: false,
  credentialId: `operator-${slug}`,
  dataPolicy: { retains: false, trains: false },
  billsAfterCancel: false,
});
const endpoint = (slug: string, input: string): EndpointEntry => ({
  ...stamp(),
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
  price: { perUnit: { input, output: input } },
  enabled: true,
});
/** As control publishes: entities, then the head. */
const publishCatalog = async (prices: Record<string, string>): Promise<void> => {
  version += 1;
  const kv = await control.kv('catalog');
  const wanted = new Map<string, ProviderEntry | EndpointEntry>();
  for (const [slug, price] of Object.entries(prices)) {
    wanted.set(SNAPSHOT_KEYS.provider(slug), provider(slug));
    wanted.set(SNAPSHOT_KEYS.endpoint(`lab/one@${slug}`), endpoint(slug, price));
  }
  for (const key of await kv.keys()) if (!wanted.has(key) && key !== SNAPSHOT_KEYS.head) await kv.delete(key);
  for (const [key, entry] of wanted) await kv.put(key, entry);
  await kv.put(SNAPSHOT_KEYS.head, { ...stamp(), entities: wanted.size, at: 0 });
};
/** Beside what was published before; own keys are exactly these. */
const publishOwnKeys = async (...ownKeys: OwnKeyEntry[]): Promise<void> => {
  version += 1;
  const kv = await control.kv('policies');
  const kept = (await kv.keys()).filter((key) => key.startsWith('own-key.'));
  for (const key of kept) await kv.delete(key);
  for (const ownKey of ownKeys) await kv.put(SNAPSHOT_KEYS.ownKey(ownKey.id), { ...ownKey, ...stamp() });
  const entities = (await kv.keys()).filter((key) => key !== SNAPSHOT_KEYS.head).length;
  await kv.put(SNAPSHOT_KEYS.head, { ...stamp(), entities, at: 0 });
};
const publishPolicies = async (...policies: Omit<PolicyEntry, 'v' | 'version'>[]): Promise<void> => {
  version += 1;
  const kv = await control.kv('policies');
  for (const policy of policies) await kv.put(SNAPSHOT_KEYS.policy(policy.id), { ...policy, ...stamp() });
  await kv.put(SNAPSHOT_KEYS.head, { ...stamp(), entities: policies.length, at: 0 });
};
const requestOf = (more: Partial<RoutePlanRequest> = {}): RoutePlanRequest => ({
  v: 1,
  generationId: 'gen-1700000000-00000000000000000000',
  identity: { workspaceId: 'w', keyHash: '0'.repeat(64) },
  models: ['lab/one'],
  preferences: { sort: { by: 'price' } },
  features: {
    api: 'chat',
    dialect: 'openai-chat',
    stream: false,
    bodyBytes: 1,
    inputTokensEstimate: 1,
    parameters: [],
    inputModalities: ['text'],
    outputModalities: ['text'],
    toolCount: 0,
    messageCount: 1,
  },
  ...more,
});
const plan = (more: Partial<RoutePlanRequest> = {}): Promise<RoutePlanReply> =>
  ingress.request(RoutePlan, requestOf(more));
const tried = async (more: Partial<RoutePlanRequest> = {}): Promise<string[]> =>
  (await plan(more)).attempts.map((attempt) => attempt.provider);

beforeAll(async () => {
  nats = await natsServer();
  [control, router, ingress] = await Promise.all([busOf('control'), busOf('router'), busOf('ingress')]);
  state = await createRoutingState({
    bus: router,
    log: pino({ level: 'silent' }),
    health,
    metrics,
    scaleMs: (ms) => ms,
  });
  handler = new PlanHandler(state, metrics);
  await router.handle(RoutePlan, (request) => handler.plan(request));
}, 60_000);

afterAll(async () => {
  await state?.close();
  await Promise.allSettled([control?.close(500), router?.close(500), ingress?.close(500)]);
  await nats?.stop();
});

describe('the router', () => {
  it('is not ready, and says so to callers, before a complete catalog is there', async () => {
    expect(health.ready()).toBe(false);
    await expect(plan()).rejects.toMatchObject({ code: 'snapshot_stale' });
    await provisionStreams(control, {}, ['buckets']);
    await (await control.kv('catalog')).put(SNAPSHOT_KEYS.provider('a'), provider('a'));
    await publishPolicies();
    await sleep(200);
    await expect(plan()).rejects.toMatchObject({ code: 'snapshot_stale' });
    await publishCatalog({ a: '1', b: '2' });
    await until('ready', () => health.ready());
    expect(await tried()).toEqual(['a', 'b']);
  });

  it('follows the catalog at the next head', async () => {
    await publishCatalog({ a: '3', c: '1' });
    await until('the new revision', async () => (await plan()).snapshotRevision === version);
    expect(await tried()).toEqual(['c', 'a']);
  });

  it('says which model it does not know, and plans the others', async () => {
    await expect(plan({ models: ['no/such'] })).rejects.toMatchObject({
      code: 'model_not_found',
      message: 'no/such is not a valid model ID',
    });
    await expect(plan({ models: ['no/such', 'lab/one'] })).resolves.toMatchObject({
      excluded: [{ model: 'no/such', rule: 'unknown_model' }],
    });
  });

  it('answers an empty plan with reasons when nothing is left', async () => {
    await expect(plan({ preferences: { only: ['nobody'] } })).resolves.toMatchObject({
      attempts: [],
      excluded: [{ rule: 'not_in_only' }, { rule: 'not_in_only' }],
    });
  });

  it('applies the policies that it is told to, and never goes without one', async () => {
    await expect(plan({ policyIds: ['strict'] })).rejects.toMatchObject({ code: 'snapshot_stale' });
    await publishPolicies({ id: 'strict', ignoredProviders: ['c'] }, { id: 'closed', allowedProviders: [] });
    await until('the policy', () =>
      tried({ policyIds: ['strict'] }).then(
        (slugs) => slugs.join() === 'a',
        () => false,
      ),
    );
    expect(await tried({ policyIds: ['strict', 'closed'] })).toEqual([]);
    await publishPolicies({ id: 'strict', ignoredProviders: ['a'] }, { id: 'closed', allowedProviders: [] });
    await until('the changed policy', async () => (await tried({ policyIds: ['strict'] })).join() === 'c');
  });

  it("plans with a workspace's own keys, for that workspace alone, and as they are now", async () => {
    const ownKey: OwnKeyEntry = {
      ...{ ...stamp(), id: 'own-1', workspaceId: 'w', provider: 'a' },
      ...{ disabled: false, isFallback: false, alwaysUse: true, sortOrder: 0 },
    };
    const waysOf = async (workspaceId: string): Promise<string> => {
      const { attempts } = await plan({ identity: { workspaceId, keyHash: '0'.repeat(64) } });
      return attempts.map((each) => `${each.provider} ${each.credentialId}${each.byok ? ' own' : ''}`).join();
    };
    const usual = 'c operator-c,a operator-a';
    expect(await waysOf('w')).toBe(usual);
    await publishOwnKeys(ownKey);
    await until('the own key', async () => (await waysOf('w')) === 'a own-1 own,c operator-c');
    expect(await waysOf('other')).toBe(usual);
    await publishOwnKeys({ ...ownKey, isFallback: true, alwaysUse: false });
    await until('the fallback', async () => (await waysOf('w')) === `${usual},a own-1 own`);
    await publishOwnKeys();
    await until('the usual way', async () => (await waysOf('w')) === usual);
  });

  it('sends a conversation where it was served of late, on every replica, until that is taken back', async () => {
    const bus = await busOf('router');
    const replica = await createRoutingState({
      bus,
      log: pino({ level: 'silent' }),
      health: createHealth(),
      metrics: createMetrics(),
      scaleMs: (ms) => ms,
    });
    const elsewhere = new PlanHandler(replica, createMetrics());
    const asked = requestOf({ preferences: {} });
    const request = { ...asked, features: { ...asked.features, conversation: 'talk' } };
    const firsts = (): (string | undefined)[] =>
      [handler, elsewhere].map((each) => each.plan(request).attempts[0]?.endpointId);
    try {
      await until('the replica is ready', () => {
        try {
          return replica.snapshot(Date.now()).index.revision === state.snapshot(Date.now()).index.revision;
        } catch {
          return false;
        }
      });
      const [home] = firsts();
      const other = home === 'lab/one@a' ? 'lab/one@c' : 'lab/one@a';
      expect(firsts()).toEqual([home, home]);
      const kv = await ingress.kv('affinity');
      const key = affinityKeyOf('w', 'lab/one', 'talk');
      await kv.put(key, { v: 1, endpointId: other, at: Date.now() });
      await until('both know', () => firsts().every((each) => each === other));
      await kv.put(key, { v: 1, endpointId: other, at: Date.now() - 600_001 });
      await until('it is over', () => firsts().every((each) => each === home));
      await kv.put(key, { v: 1, endpointId: other, at: Date.now() });
      await until('both know again', () => firsts().every((each) => each === other));
      await kv.delete(key);
      await until('it was taken back', () => firsts().every((each) => each === home));
    } finally {
      await replica.close();
      await bus.close(500);
    }
  });

  it('sorts by the speed that workers report', async () => {
    const tally = createHealthTally();
    for (const [slug, tokensPerSecond] of [
      ['a', 100],
      ['c', 10],
    ] as const)
      for (let each = 0; each < 10; each += 1)
        tally.record(`lab/one@${slug}`, { verdict: 'succeeded', tokensPerSecond }, 0);
    const byThroughput = { preferences: { sort: { by: 'throughput' as const } } };
    expect((await plan(byThroughput)).strategy).toBe('throughput-unmeasured');
    control.signal(HealthCounters, control.instance, {
      ...{ v: 2, instance: control.instance, clockMs: 0, endpoints: tally.news(0), credentials: [] },
    });
    await until('sorted', async () => (await plan(byThroughput)).strategy === 'throughput');
    expect(await tried(byThroughput)).toEqual(['a', 'c']);
    expect(await tried()).toEqual(['c', 'a']);
  });

  it('rests an endpoint as workers report', async () => {
    control.signal(HealthCounters, control.instance, {
      v: 2,
      instance: control.instance,
      clockMs: 1,
      endpoints: [
        { id: 'lab/one@c', failedInRow: 0, restUntil: 60_000, series: [] },
        { id: 'lab/gone@c', failedInRow: 1, lastFailureAt: 1, series: [] },
      ],
      credentials: [],
    });
    await until('rested', async () => (await tried()).join() === 'a');
    expect((await plan()).excluded).toEqual([
      { endpointId: 'lab/one@c', model: 'lab/one', provider: 'c', rule: 'resting' },
    ]);
  });

  it('goes on planning from its snapshot while NATS is away, and follows again afterwards', async () => {
    await nats.restart();
    await until(
      'connected again',
      () => router.state === 'connected' && ingress.state === 'connected' && control.state === 'connected',
    );
    await until('an answer', () =>
      tried().then(
        (slugs) => slugs.length > 0,
        () => false,
      ),
    );
    await publishCatalog({ d: '1' });
    await until('the new revision', async () => (await tried()).join() === 'd');
  });
});
