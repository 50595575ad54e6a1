// The product on virtual time: routers that plan with planRoute from what workers tell, workers that count with their own class and tell every 250 ms, ingresses with their budget of fallbacks.
// Messages take a few milliseconds, one in a hundred is lost, and each worker's clock begins elsewhere.
import type { Bus } from '@waystation/bus';
import type { HealthMessage, OwnKeyEntry, RoutePlanRequest } from '@waystation/contracts';
import { mergeRules, NO_RULES, rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import {
  buildRoutingIndex,
  createHealthBoard,
  indexOwnKeys,
  planRoute,
  type HealthBoard,
  type RoutingIndex,
} from '@waystation/routing';
import type { EndpointHealth } from '../../apps/worker/src/health/endpoint-health.js';
import type { Ask, Tenant } from './asks.ts';
import type { Contestant } from './contestant.ts';
import { draw } from './draws.ts';
import { MODEL } from './market.ts';
import type { Parts } from './parts.ts';
import type { Timeline } from './timeline.ts';

const ROUTERS = 3;
const WORKERS = 3;
const INGRESSES = 2;
const TELL_EVERY_MS = 250;
/** A worker that has counted nothing for so many rounds has nothing to tell again. */
const QUIET_ROUNDS = 24;
const LOST = 0.01;
const NEVER_MS = 2 ** 31 - 1;
const FORGOTTEN_MS = 3_000;
/** No credential of the week has a capacity of its own. */
const NO_CAPACITY = { news: () => [], all: () => [] };
const WHAT = { router: 40, worker: 41, ingress: 42, lost: 43, transit: 44, plan: 45 } as const;

const OWN_KEYS: readonly OwnKeyEntry[] = [
  {
    ...{ v: 1, version: 1, id: 'own-key-of-alder', workspaceId: 'own-key', provider: 'alder' },
    ...{ disabled: false, isFallback: false, alwaysUse: false, sortOrder: 0 },
  },
];
const EUROPEAN: PolicyRules = mergeRules([rulesOfPolicy({ v: 1, version: 1, id: 'european', regions: ['eu'] })]);
const PREFERENCES: Readonly<Record<Tenant, RoutePlanRequest['preferences']>> = {
  steady: {},
  quick: { preferredMaxLatency: { p90: 2.5 } },
  european: {},
  'own-key': {},
};
const KEY_HASH = '0'.repeat(64);

interface Router {
  board: HealthBoard;
}

interface Worker {
  health: EndpointHealth;
  /** Of its class, what hears the beats of others. */
  hearBeat: (beat: { instance: string; services: string[] }) => void;
  quietRounds: number;
}

const requestOf = (ask: Ask, conversation: string | undefined): RoutePlanRequest => ({
  v: 1,
  generationId: 'gen-1700000000-00000000000000000000',
  identity: { workspaceId: ask.tenant, keyHash: KEY_HASH },
  models: [MODEL],
  preferences: PREFERENCES[ask.tenant],
  features: {
    ...{ api: 'chat', dialect: 'openai-chat', stream: true, bodyBytes: 4 * ask.inputTokens },
    ...{ inputTokensEstimate: ask.inputTokens, parameters: [], inputModalities: ['text'], outputModalities: ['text'] },
    ...{ toolCount: 0, messageCount: ask.messages.length, conversation },
  },
});

export interface Waystation extends Contestant {
  /** A router and a worker are replaced by ones that know nothing. */
  restartOne(): void;
  /** Fallbacks that the budget did not allow. */
  readonly refusedFallbacks: number;
}

/** @param hashed whether conversations have a home; without, each request is a choice of its own, weighted by price */
export const createWaystation = (parts: Parts, seed: number, timeline: Timeline, hashed = true): Waystation => {
  const ownKeys = indexOwnKeys(OWN_KEYS);
  let index: RoutingIndex = buildRoutingIndex({
    revision: 0,
    providers: new Map(),
    models: new Map(),
    endpoints: new Map(),
  });
  let messages = 0;
  let instances = 0;
  let plans = 0;
  let refused = 0;
  let restarted = 0;

  const startRouter = (place: number): Router => ({
    board: createHealthBoard({ turn: () => ({ place, of: ROUTERS }) }),
  });
  const routers = Array.from({ length: ROUTERS }, (_, place) => startRouter(place));
  const budgets = Array.from({ length: INGRESSES }, () => parts.createRetryBudget(() => void (refused += 1)));

  const send = (message: HealthMessage): void => {
    messages += 1;
    routers.forEach((_, place) => {
      if (draw(seed, WHAT.lost, messages, place) < LOST) return;
      const transitMs = 1 + 4 * draw(seed, WHAT.transit, messages, place);
      timeline.at(timeline.nowMs + transitMs, () => routers[place]?.board.hear(message, timeline.nowMs));
    });
  };

  const startWorker = (): Worker => {
    instances += 1;
    const instance = `worker-${instances}`;
    const startedMs = timeline.nowMs - 1_000 * instances;
    const worker: Partial<Worker> = {};
    const bus = {
      instance,
      signal: (_contract: unknown, _instance: unknown, message: HealthMessage) => send(message),
      onSignal: (_contract: unknown, _instance: unknown, handler: Worker['hearBeat']) => {
        worker.hearBeat = handler;
        return Promise.resolve({ drain: () => Promise.resolve() });
      },
    };
    const health = new parts.EndpointHealth(
      bus as unknown as Bus,
      NEVER_MS,
      (ms) => ms,
      NO_CAPACITY,
      () => timeline.nowMs - startedMs,
    );
    void health.listen(FORGOTTEN_MS);
    return Object.assign(worker, { health, hearBeat: worker.hearBeat ?? (() => undefined), quietRounds: QUIET_ROUNDS });
  };
  const workers = Array.from({ length: WORKERS }, startWorker);

  const tellRound = (): void => {
    for (const worker of workers) {
      if (worker.quietRounds >= QUIET_ROUNDS) continue;
      worker.quietRounds += 1;
      worker.health.tell();
    }
    timeline.at(timeline.nowMs + TELL_EVERY_MS, tellRound);
  };
  timeline.at(timeline.nowMs, tellRound);

  const pick = <Member>(members: readonly Member[], what: number, ask: Ask): Member => {
    const member = members[Math.floor(draw(seed, what, ask.number) * members.length)];
    if (member === undefined) throw new Error('nobody is there');
    return member;
  };

  return {
    name: hashed ? 'Waystation' : 'weighted by price at random',
    plan(ask) {
      const { board } = pick(routers, WHAT.router, ask);
      const nowMs = timeline.nowMs;
      plans += 1;
      let drawn = 0;
      const plan = planRoute(
        requestOf(ask, hashed ? ask.conversation : undefined),
        ask.tenant === 'european' ? EUROPEAN : NO_RULES,
        { index, health: board, ownKeys, figuresOf: (id, atMs) => board.figuresOf(id, atMs), nowMs },
        () => draw(seed, WHAT.plan, plans, (drawn += 1)),
      );
      // As the router's handler does it.
      for (const { endpointId, byok } of plan.attempts) if (!byok) board.sent(endpointId, nowMs);
      pick(budgets, WHAT.ingress, ask).began();
      return plan.attempts.map((attempt) => ({ slug: attempt.provider, withOwnKey: attempt.byok, attempt }));
    },
    mayGoOn: (ask) => pick(budgets, WHAT.ingress, ask).take(),
    ended(ask, { attempt }, result) {
      if (attempt === undefined) return;
      const worker = pick(workers, WHAT.worker, ask);
      worker.health.record(attempt, result);
      worker.quietRounds = 0;
    },
    swap(catalog) {
      index = buildRoutingIndex(catalog);
      for (const { board } of routers) board.retain((endpointId) => index.has(endpointId));
    },
    restartOne() {
      const place = restarted % ROUTERS;
      restarted += 1;
      routers[place] = startRouter(place);
      const beat = { instance: `router-${ROUTERS + restarted}`, services: ['router'] };
      for (const { hearBeat } of workers) hearBeat(beat);
      void workers[place % WORKERS]?.health.close();
      workers[place % WORKERS] = startWorker();
    },
    get refusedFallbacks() {
      return refused;
    },
  };
};
