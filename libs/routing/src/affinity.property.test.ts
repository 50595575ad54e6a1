// Where a conversation is at home: by its hash, or where it was served of late; and that no override ever admits or promotes what it must not.
import type { EndpointEntry, ProviderPreferences, RoutePlanRequest } from '@waystation/contracts';
import { BUCKETS } from '@waystation/contracts';
import { NO_RULES } from '@waystation/policy';
import fc from 'fast-check';
import type { Override } from './affinity.js';
import { NO_OWN_KEYS } from './own-keys.js';
import { planRoute } from './plan-route.js';
import { buildRoutingIndex } from './routing-index.js';
import { boardWith } from './test-health.js';

const NOW = 1_700_000_000_000;
const stamp = { v: 1 as const, version: 1 };
const SLUGS = ['a', 'b', 'c', 'd'];
const idOf = (slug: string): string => `lab/one@${slug}`;
const endpoint = (slug: string, enabled = true): EndpointEntry => ({
  ...stamp,
  ...{ id: idOf(slug), model: 'lab/one', provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'], context: 1000 },
  ...{ inputModalities: ['text'], outputModalities: ['text'], supportedParameters: [] },
  priceVersion: `price-${'0'.repeat(32)}`,
  price: { perUnit: { input: '1', output: '1' } },
  enabled,
});
const indexOf = (endpoints: readonly EndpointEntry[]) =>
  buildRoutingIndex({
    revision: 1,
    providers: new Map(
      SLUGS.map((slug) => [
        slug,
        {
          ...{ ...stamp, slug, name: slug, dialect: 'openai-chat', baseUrl: 'https://example.com' },
          ...{ allowPrivateAddress: false, credentialId: 'c', billsAfterCancel: false },
          dataPolicy: { retains: false, trains: false },
        },
      ]),
    ),
    models: new Map(),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  });
const index = indexOf(SLUGS.map((slug) => endpoint(slug)));

interface Case {
  readonly conversation?: string | undefined;
  readonly override?: Override | undefined;
  readonly preferences?: ProviderPreferences;
  readonly down?: readonly string[];
  readonly workspaceId?: string;
  readonly routes?: ReturnType<typeof indexOf>;
  readonly toolCount?: number;
  /** Tokens a second, where they are known. */
  readonly throughputs?: Readonly<Record<string, number>>;
}
const plan = ({
  conversation = 'c',
  override,
  preferences = {},
  down = [],
  workspaceId = 'w',
  routes = index,
  toolCount = 0,
  throughputs,
}: Case) => {
  const health = boardWith(
    down.map((slug) => ({ endpointId: idOf(slug), failed: 200 })),
    NOW,
  );
  const request: RoutePlanRequest = {
    v: 1,
    generationId: 'gen-1700000000-00000000000000000000',
    identity: { workspaceId, keyHash: '0'.repeat(64) },
    models: ['lab/one'],
    preferences,
    features: {
      ...{ api: 'chat', dialect: 'openai-chat', stream: true, bodyBytes: 1, inputTokensEstimate: 1, parameters: [] },
      ...{ inputModalities: ['text'], outputModalities: ['text'], toolCount, messageCount: 1, conversation },
    },
  };
  const overrides = {
    of: (workspace: string, model: string, told: string) =>
      workspace === 'w' && model === 'lab/one' && told === conversation ? override : undefined,
  };
  const figuresOf = (endpointId: string) => ({
    latencyMs: () => undefined,
    throughput: () => throughputs?.[endpointId],
  });
  const reply = planRoute(
    request,
    NO_RULES,
    { index: routes, health, ownKeys: NO_OWN_KEYS, overrides, figuresOf, nowMs: NOW },
    () => 0.5,
  );
  return { ...reply, tried: reply.attempts.map(({ endpointId }) => endpointId) };
};
const slug = fc.constantFrom(...SLUGS);
const conversations = fc.string({ minLength: 1 });

describe("a conversation's home", () => {
  it('is where its hash leads, whatever the health', () => {
    fc.assert(
      fc.property(conversations, fc.subarray(SLUGS, { maxLength: 3 }), (conversation, down) => {
        const [first] = plan({ conversation }).tried;
        expect(plan({ conversation, down }).affinity).toEqual([{ model: 'lab/one', home: first }]);
      }),
    );
  });

  it.each<[string, Case]>([
    ['a request that orders endpoints', { preferences: { order: ['a'] } }],
    ['a request that is sorted', { preferences: { sort: { by: 'price' } } }],
    ['a model with one endpoint', { routes: indexOf([endpoint('a')]) }],
    ['a model with one endpoint that is not disabled', { routes: indexOf([endpoint('a'), endpoint('b', false)]) }],
  ])('is not told for %s', (_name, asked) => {
    const override = { endpointId: idOf('b'), at: NOW };
    expect(plan({ ...asked, override }).affinity).toBeUndefined();
    expect(plan({ ...asked, override }).tried).toEqual(plan(asked).tried);
  });
});

describe('an override', () => {
  it('comes first, the others stay in their order, and it is told', () => {
    fc.assert(
      fc.property(conversations, slug, (conversation, at) => {
        const usual = plan({ conversation }).tried;
        const override = { endpointId: idOf(at), at: NOW - 1 };
        const { tried, affinity, strategy } = plan({ conversation, override });
        expect(tried).toEqual([idOf(at), ...usual.filter((each) => each !== idOf(at))]);
        expect(affinity).toEqual([{ model: 'lab/one', home: usual[0], override }]);
        expect(strategy).toBe('conversation+override');
      }),
    );
  });

  it.each([
    ['at the end of its life', BUCKETS.affinity.ttlMs - 1, true],
    ['after it', BUCKETS.affinity.ttlMs, false],
  ])('%s (%d ms) holds: %s', (_name, age, holds) => {
    const usual = plan({}).tried;
    const last = usual.at(-1) ?? '';
    const { tried, affinity } = plan({ override: { endpointId: last, at: NOW - age } });
    expect(tried[0]).toBe(holds ? last : usual[0]);
    expect(affinity?.[0]?.override === undefined).toBe(!holds);
  });

  it('of another workspace is not looked at', () => {
    const usual = plan({}).tried;
    const override = { endpointId: usual.at(-1) ?? '', at: NOW };
    expect(plan({ override, workspaceId: 'other' }).tried).toEqual(usual);
  });

  it('never admits what a rule or the health excludes, and never comes before the healthier', () => {
    fc.assert(
      fc.property(
        conversations,
        slug,
        fc.subarray(SLUGS),
        fc.subarray(SLUGS, { maxLength: 3 }),
        (conversation, at, ignore, down) => {
          const asked = { conversation, down, preferences: { ignore } };
          const without = plan(asked);
          const withIt = plan({ ...asked, override: { endpointId: idOf(at), at: NOW } });
          expect(withIt.excluded).toEqual(without.excluded);
          expect([...withIt.tried].sort()).toEqual([...without.tried].sort());
          const [first] = withIt.tried;
          if (first !== idOf(at)) expect(withIt.tried).toEqual(without.tried);
          if (without.tried.includes(idOf(at))) expect(first).toBe(idOf(at));
        },
      ),
    );
  });

  it('of an endpoint that is gone changes nothing', () => {
    expect(plan({ override: { endpointId: 'lab/one@gone', at: NOW } }).tried).toEqual(plan({}).tried);
  });

  it('holds for requests with tools, but never before an endpoint that is known to be far quicker', () => {
    const throughputs = { [idOf('a')]: 100, [idOf('b')]: 100, [idOf('c')]: 101, [idOf('d')]: 1 };
    fc.assert(
      fc.property(conversations, slug, fc.boolean(), (conversation, at, areKnown) => {
        const asked: Case = { conversation, toolCount: 1, ...(areKnown ? { throughputs } : {}) };
        const override = { endpointId: idOf(at), at: NOW };
        const { tried, affinity, strategy } = plan({ ...asked, override });
        expect(affinity?.[0]?.override).toEqual(override);
        if (areKnown && at === 'd') expect(tried).toEqual(plan(asked).tried);
        else {
          expect(tried[0]).toBe(idOf(at));
          expect(strategy).toBe(areKnown ? 'exacto+override' : 'conversation+override');
        }
      }),
    );
  });
});
