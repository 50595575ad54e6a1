// What the router decides from: the catalog's index, the policies' rules, the workspaces' own keys and the endpoints' health, each replaced or added to as the bus tells.
// Invariant: a plan never mixes two revisions of the catalog, and never goes without a policy that it was told to apply.
import { HealthCounters, WaystationError } from '@waystation/contracts';
import { mergeRules, rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import {
  NO_OWN_KEYS,
  buildRoutingIndex,
  createCapacityBoard,
  createHealthBoard,
  indexOwnKeys,
  type OwnKeysIndex,
  type HealthBoard,
  type RoutingIndex,
  type RoutingSnapshot,
  type RoutingWorld,
} from '@waystation/routing';
import { watchAffinity, watchCatalog, watchPolicies, type AppContext } from '@waystation/runtime';
import { takeTurns } from './take-turns.js';
import { tellEndpoints } from './tell-endpoints.js';

/** Injection token. */
export const ROUTING_STATE = Symbol('waystation.routing-state');

/** Merged rules are remembered by the ids they were made of; a set that does not fit any more starts over. */
const MERGED_MAX = 10_000;

export interface RoutingState {
  /** @throws WaystationError `snapshot_stale` before the first complete catalog. */
  snapshot(nowMs: number): RoutingSnapshot & { readonly health: HealthBoard };
  /** @throws WaystationError `snapshot_stale` when a policy is not known yet. */
  rulesOf(policyIds: readonly string[]): PolicyRules;
  /** What `snapshot` and `rulesOf` were made of. */
  readonly world: RoutingWorld;
  /** Which of how many routers this is. */
  turn(): { readonly place: number; readonly of: number };
  close(): Promise<void>;
}

export const createRoutingState = async ({
  bus,
  log,
  health: readiness,
  metrics,
  scaleMs,
}: Pick<AppContext<unknown>, 'bus' | 'log' | 'health' | 'metrics' | 'scaleMs'>): Promise<RoutingState> => {
  const catalog = watchCatalog(bus, { log });
  const policies = watchPolicies(bus, { log });
  const overrides = watchAffinity(bus, { log });
  const turns = await takeTurns(bus, scaleMs);
  const capacity = createCapacityBoard(scaleMs);
  const board = createHealthBoard({ scaleMs, turn: () => turns.turn() });
  let index: RoutingIndex = buildRoutingIndex(catalog.current);
  let ownKeys: OwnKeysIndex = NO_OWN_KEYS;
  let ruled = new Map<string, PolicyRules>();
  const merged = new Map<string, PolicyRules>();

  catalog.onChange((current) => {
    index = buildRoutingIndex(current);
    board.retain((endpointId) => index.has(endpointId));
    log.info(
      { revision: current.revision, models: index.byModel.size, endpoints: current.endpoints.size },
      'the catalog has a new revision',
    );
  });
  const adopt = (current: typeof policies.current): void => {
    ruled = new Map([...current.policies].map(([id, policy]) => [id, rulesOfPolicy(policy)]));
    merged.clear();
    ownKeys = indexOwnKeys(current.ownKeys);
  };
  policies.onChange(adopt);
  // They may have arrived while somebody else was waited for.
  adopt(policies.current);
  const tellEndpoint = tellEndpoints(metrics, board, catalog, readiness);
  const signals = await bus.onSignal(HealthCounters, undefined, (message) => {
    const nowMs = Date.now();
    capacity.hear(message, nowMs);
    // What the catalog does not have is not remembered, so that the board is bounded by the catalog.
    const endpoints = message.endpoints.filter(({ id }) => index.has(id));
    for (const { id } of endpoints) tellEndpoint(id);
    board.hear({ ...message, endpoints }, nowMs);
  });

  readiness.check('router.catalog', () =>
    catalog.ready ? { ok: true } : { ok: false, detail: 'no complete revision of the catalog yet' },
  );
  readiness.check('router.policies', () =>
    policies.ready ? { ok: true } : { ok: false, detail: 'no complete revision of the policies yet' },
  );
  metrics.gauge('waystation_router_catalog_revision', () => catalog.current.revision);
  metrics.gauge('waystation_router_catalog_silent_seconds', () => catalog.silentMs() / 1_000);

  metrics.gauge('waystation_router_affinity_overrides', () => overrides.size);

  return {
    snapshot(nowMs) {
      if (!catalog.ready || !policies.ready)
        throw new WaystationError('snapshot_stale', 'The router has no complete catalog yet. Try again in a moment.', {
          retryAfterMs: 1_000,
        });
      const { figuresOf } = board;
      return { index, health: board, ownKeys, capacity, overrides, figuresOf, nowMs };
    },
    rulesOf(policyIds) {
      const key = policyIds.join('\n');
      const known = merged.get(key);
      if (known !== undefined) return known;
      const layers = policyIds.map((id) => {
        const rules = ruled.get(id);
        if (rules === undefined)
          throw new WaystationError(
            'snapshot_stale',
            `Policy ${id} has not reached the router yet. Try again in a moment.`,
            { retryAfterMs: 1_000 },
          );
        return rules;
      });
      const rules = mergeRules(layers);
      if (merged.size >= MERGED_MAX) merged.clear();
      merged.set(key, rules);
      return rules;
    },
    get world() {
      const { policies: known, ownKeys: keys } = policies.current;
      return { catalog: catalog.current, policies: known, ownKeys: keys };
    },
    turn: () => turns.turn(),
    async close() {
      await Promise.all([signals.drain(), turns.beats.drain()]);
      catalog.stop();
      policies.stop();
      overrides.stop();
    },
  };
};
