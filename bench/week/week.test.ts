// A few hours of the week, with one of each kind of trouble, and a smaller trace of agents: what the product must reach there, it reaches.
import { nextStep } from '../../apps/ingress/src/attempt/next-step.js';
import { createRetryBudget } from '../../apps/ingress/src/attempt/retry-budget.js';
import { openaiChat } from '../../apps/sandbox/src/dialects/openai-chat/openai-chat.js';
import { planReply } from '../../apps/sandbox/src/reply/plan-reply.js';
import { createPromptCache } from '../../apps/sandbox/src/reply/prompt-cache.js';
import { scriptOf } from '../../apps/sandbox/src/script/script.js';
import { EndpointHealth } from '../../apps/worker/src/health/endpoint-health.js';
import { conversationsOf } from './asks.ts';
import { contest, contestOfAgents } from './contest.ts';
import { alwaysCheapest, roundRobin } from './contestant.ts';
import { agentOutages, INCIDENTS, type Incident } from './incidents.ts';
import { HOUR_MS, WEEK_BEGINS_MS } from './market.ts';
import type { Parts } from './parts.ts';
import type { Run } from './simulate.ts';
import { amplificationOf, costOf, firstTokenOf, successOf, type Told } from './told.ts';

const SEED = 7;
/** Seconds of work, which a busy machine makes minutes of. */
const PATIENCE_MS = 600_000;
const parts: Parts = {
  ...{ nextStep, createRetryBudget, EndpointHealth },
  ...{ scriptOf, planReply, createPromptCache, sandboxDialect: openaiChat },
};

/** The incidents of the week, ten minutes of each at most and half an hour before it. */
const INCIDENT_MS = HOUR_MS / 6;
const STEP_MS = 4 * INCIDENT_MS;
const beginOf = (place: number): number => WEEK_BEGINS_MS + (place + 1) * STEP_MS - INCIDENT_MS;
const dense: readonly Incident[] = INCIDENTS.map((incident, place) => ({
  ...incident,
  fromMs: beginOf(place),
  toMs: beginOf(place) + Math.min(INCIDENT_MS, incident.toMs - incident.fromMs),
}));
const ENDS_MS = beginOf(dense.length);
const runOf = (endsMs = ENDS_MS): Run => ({
  ...{ parts, seed: SEED, beginsMs: WEEK_BEGINS_MS, endsMs, incidents: dense },
  restartsMs: [1, 5, 11].map((place) => beginOf(place) + INCIDENT_MS / 3),
  conversations: conversationsOf({ seed: SEED, beginsMs: WEEK_BEGINS_MS, endsMs, conversationsPerSecond: 0.2 }),
});

const results = new Map<string, Told>();
const toldOf = (name: string): Told => {
  const told = results.get(name);
  if (told === undefined) throw new Error(`nobody is called ${name}`);
  return told;
};

beforeAll(() => {
  const others = [() => roundRobin(true), () => alwaysCheapest(true)];
  for (const { name, told } of contest(runOf, undefined, others)) results.set(name, told);
}, PATIENCE_MS);

describe('routing through a time in which something is wrong every half hour', () => {
  it('serves 99.9 % of what any endpoint would have served, with at most 1.2 attempts for a request', () => {
    const { all } = toldOf('Waystation');
    expect(all.requests).toBeGreaterThan(10_000);
    // Where nobody would have served, nobody is missed.
    expect(all.servable).toBeLessThan(all.requests);
    expect(successOf(all)).toBeGreaterThanOrEqual(0.999);
    expect(amplificationOf(all)).toBeLessThanOrEqual(1.2);
  });

  it('harms nobody by the key of one customer that is refused, and keeps to the region of another', () => {
    for (const [tenant, sums] of toldOf('Waystation').tenants) {
      expect([tenant, sums.requests > 300, successOf(sums) >= 0.998]).toEqual([tenant, true, true]);
    }
  });

  it('serves with fewer attempts than who remembers nothing, cheaper than round-robin and quicker than always the cheapest', () => {
    const ours = toldOf('Waystation');
    const [roundRobins, cheapest] = [
      toldOf('round-robin, with fallbacks'),
      toldOf('always the cheapest, with fallbacks'),
    ];
    for (const theirs of [roundRobins, cheapest])
      expect(amplificationOf(theirs.all)).toBeGreaterThan(amplificationOf(ours.all));
    expect(costOf(ours.all)).toBeLessThan(costOf(roundRobins.all));
    expect(firstTokenOf(ours.all, 0.99)).toBeLessThan(firstTokenOf(cheapest.all, 0.99));
  });

  it('spares those the slow endpoint who say that they mind', () => {
    const [quick, steady] = (['quick', 'steady'] as const).map((tenant) => toldOf('Waystation').tenants.get(tenant));
    if (quick === undefined || steady === undefined) throw new Error('a tenant is missing');
    expect(firstTokenOf(quick, 0.99)).toBeLessThan(firstTokenOf(steady, 0.99));
  });

  it(
    'is the same every time',
    () => {
      const once = (): unknown => contest(() => runOf(WEEK_BEGINS_MS + 2 * INCIDENT_MS), undefined, [])[0]?.told.all;
      const first = once();
      expect(first).toMatchObject({ servable: expect.any(Number) });
      expect(once()).toEqual(first);
    },
    PATIENCE_MS,
  );
});

describe('conversations of agents', () => {
  const agents = { seed: SEED, beginsMs: WEEK_BEGINS_MS, withinMs: HOUR_MS, conversations: 40, turnsMax: 14 };
  const shareOf = (result: ReturnType<typeof contestOfAgents>, name: string): number => {
    const found = result.shares.find((each) => each.name === name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found.share / result.possible;
  };

  it(
    'are sent where their prompts are cached: 95 % of the possible, and far less at random',
    () => {
      const result = contestOfAgents(parts, agents, [], 'well');
      expect(result.possible).toBeGreaterThan(0.7);
      expect(shareOf(result, 'Waystation')).toBeGreaterThanOrEqual(0.95);
      expect(shareOf(result, 'weighted by price at random')).toBeLessThan(0.9);
    },
    PATIENCE_MS,
  );

  it(
    'keep most of it while endpoints go away and come back',
    () => {
      const result = contestOfAgents(parts, agents, agentOutages(WEEK_BEGINS_MS), 'with outages');
      expect(shareOf(result, 'Waystation')).toBeGreaterThanOrEqual(0.9);
    },
    PATIENCE_MS,
  );
});
