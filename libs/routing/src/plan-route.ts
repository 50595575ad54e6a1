// Where a generation may run. Every endpoint of every requested model is either an attempt or excluded with the rule that excluded it.
import { parseModelId } from '@waystation/catalog';
import type { PlannedAttempt, RoutePlanReply, RoutePlanRequest } from '@waystation/contracts';
import { narrow, rulesOfPreferences, type PolicyRules } from '@waystation/policy';
import { demandOf, exceedsContext, excludeEndpoint, type Demand, type Exclusion } from './exclude-endpoint.js';
import type { EndpointState, HealthBoard } from './health.js';
import { orderEndpoints, type Ordering } from './order-endpoints.js';
import type { Route, RoutingIndex } from './routing-index.js';

/** More attempts than this would outlast any client's patience. Every requested model keeps at least one as long as there is room. */
export const MAX_ATTEMPTS = 8;

/** Parameters that change the answer so much that endpoints which take them are preferred without being asked. */
const SOFTLY_REQUIRED = ['tools', 'response_format', 'verbosity'];

export interface RoutingSnapshot {
  readonly index: RoutingIndex;
  readonly health: HealthBoard;
  readonly nowMs: number;
}

type Excluded = RoutePlanReply['excluded'][number];

/** Plans where a generation may run. Pure: the same request, policy, snapshot and random source give the same plan. */
export const planRoute = (
  request: RoutePlanRequest,
  policy: PolicyRules,
  snapshot: RoutingSnapshot,
  random: () => number,
): RoutePlanReply => {
  const { preferences, features } = request;
  const rules = narrow(policy, rulesOfPreferences(preferences));
  const demand = demandOf(preferences, features, rules);
  const excluded: Excluded[] = [];
  const groups: Route[][] = [];
  const stateOf = (route: Route): EndpointState => snapshot.health.stateOf(route.id, snapshot.nowMs);
  const asked = modelsOf(request.models);
  const sort = preferences.sort?.by ?? asked.sort ?? rules.sort;

  for (const model of asked.ids) {
    const routes = snapshot.index.byModel.get(model);
    if (routes === undefined) excluded.push({ model, rule: 'unknown_model' });
    else groups.push(eligible(routes, demand, stateOf, excluded));
  }
  const ordering: Ordering = {
    order: (preferences.order ?? []).map((each) => each.toLowerCase()),
    byPrice: sort === 'price',
    conversation: features.conversation,
  };
  const together = sort !== undefined && preferences.sort?.partition === 'none';
  const ordered = (together ? [groups.flat()] : groups).map((group) =>
    orderEndpoints(group, ordering, stateOf, random),
  );
  const attempts = take(
    ordered,
    preferences.allowFallbacks === false && ordering.order.length === 0 ? 1 : MAX_ATTEMPTS,
    excluded,
  ).map((route) => attemptOf(route, demand));
  return { attempts, excluded, snapshotRevision: snapshot.index.revision, strategy: strategyOf(ordering) };
};

/** Catalogue ids in order, each once; the sorting variant of the first id that has one. */
const modelsOf = (
  models: readonly string[],
): { ids: ReadonlySet<string>; sort: ReturnType<typeof parseModelId>['sort'] } => {
  const parsed = models.map(parseModelId);
  return { ids: new Set(parsed.map(({ id }) => id)), sort: parsed.find((each) => each.sort !== undefined)?.sort };
};

const exclude = (excluded: Excluded[], route: Route, { rule, detail }: Exclusion): void => {
  excluded.push({
    endpointId: route.id,
    model: route.model,
    provider: route.attempt.provider,
    rule,
    ...(detail === undefined ? {} : { detail }),
  });
};

/** Hard rules, then the soft ones that only apply while somebody is left. */
const eligible = (
  routes: readonly Route[],
  demand: Demand,
  stateOf: (route: Route) => EndpointState,
  excluded: Excluded[],
): Route[] => {
  let left: Route[] = [];
  for (const route of routes) {
    const exclusion = excludeEndpoint(route, demand);
    if (exclusion === undefined) left.push(route);
    else exclude(excluded, route, exclusion);
  }
  // A prompt is shortened only where no endpoint takes all of it.
  left = preferred(left, ({ attempt }) => exceedsContext(demand.features, attempt.context), excluded);
  for (const name of SOFTLY_REQUIRED) {
    if (demand.parameters.includes(name))
      left = preferred(
        left,
        (route) => (route.supported.has(name) ? undefined : { rule: 'require_parameters', detail: name }),
        excluded,
      );
  }
  return preferred(
    left,
    (route) => {
      const state = stateOf(route);
      return state === 'down' || state === 'resting' ? { rule: state } : undefined;
    },
    excluded,
  );
};

/** Those that nothing speaks against, if there are any; all of them otherwise. */
const preferred = (
  routes: Route[],
  against: (route: Route) => Exclusion | undefined,
  excluded: Excluded[],
): Route[] => {
  const judged = routes.map((route) => ({ route, exclusion: against(route) }));
  if (!judged.some(({ exclusion }) => exclusion === undefined)) return routes;
  const kept: Route[] = [];
  for (const { route, exclusion } of judged) {
    if (exclusion === undefined) kept.push(route);
    else exclude(excluded, route, exclusion);
  }
  return kept;
};

/** The first `limit` over all groups, leaving room for the first of each later group. */
const take = (groups: readonly (readonly Route[])[], limit: number, excluded: Excluded[]): Route[] => {
  const taken: Route[] = [];
  let groupsLeft = groups.reduce((count, group) => count + (group.length > 0 ? 1 : 0), 0);
  for (const group of groups) {
    if (group.length > 0) groupsLeft -= 1;
    const room = Math.max(limit - taken.length - groupsLeft, taken.length < limit ? 1 : 0);
    group.forEach((route, place) => {
      if (place < room) taken.push(route);
      else exclude(excluded, route, { rule: limit === 1 ? 'fallbacks_not_allowed' : 'beyond_max_attempts' });
    });
  }
  return taken;
};

/** What the endpoint does not take is left out upstream and told as a warning. */
const attemptOf = (route: Route, demand: Demand): PlannedAttempt => {
  const dropParameters = demand.parameters.filter((name) => !route.supported.has(name));
  return dropParameters.length === 0 ? route.attempt : { ...route.attempt, dropParameters };
};

const strategyOf = (ordering: Ordering): string => {
  const rest = ordering.byPrice ? 'price' : ordering.conversation === undefined ? 'weighted' : 'conversation';
  return ordering.order.length > 0 ? `order+${rest}` : rest;
};
