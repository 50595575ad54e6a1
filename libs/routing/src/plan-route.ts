// Where a generation may run, and with whose key. Every endpoint of every requested model, with each key that it may be asked with, is either an attempt or excluded
// with the rule that excluded it.
import { parseModelId, type ParsedModelId } from '@waystation/catalog';
import type { CapacityLimits, PlannedAttempt, RoutePlanReply, RoutePlanRequest } from '@waystation/contracts';
import { narrow, rulesOfPreferences, type PolicyRules } from '@waystation/policy';
import { affinityOf, type Affinity, type Overrides } from './affinity.js';
import type { CapacityBoard } from './capacity-board.js';
import {
  demandOf,
  exceedsContext,
  excludeEndpoint,
  tierNamed,
  type Demand,
  type Exclusion,
} from './exclude-endpoint.js';
import { speedLimitsOf, type EndpointFigures, type FiguresOf } from './figures.js';
import type { EndpointState, HealthView } from './health.js';
import { kept } from './kept.js';
import { orderEndpoints, type Circumstances, type Ordering } from './order-endpoints.js';
import type { OwnKey, OwnKeysIndex } from './own-keys.js';
import type { Excluded, Route, RoutingIndex } from './routing-index.js';
import {
  splitCapacity,
  waysOf,
  type Capacity,
  type Exclude,
  type KeyStates,
  type Way,
  type Ways,
} from './split-capacity.js';

/** More attempts than this would outlast any client's patience. Every requested model keeps at least one as long as there is room. */
export const MAX_ATTEMPTS = 8;

/** Parameters that change the answer so much that endpoints which take them are preferred without being asked. */
const SOFTLY_REQUIRED = ['tools', 'response_format', 'verbosity'];

export interface RoutingSnapshot {
  readonly index: RoutingIndex;
  readonly health: HealthView;
  readonly ownKeys: OwnKeysIndex;
  /** Absent: of no credential is known how much of it is used. */
  readonly capacity?: Pick<CapacityBoard, 'fullOf'>;
  /** Absent: every conversation goes where its hash leads. */
  readonly overrides?: Overrides;
  /** Undefined, or absent: how quick an endpoint was is not known. */
  readonly figuresOf?: (endpointId: string, nowMs: number, place?: number) => EndpointFigures | undefined;
  readonly nowMs: number;
}

/** What of a model may serve, with the health of each route to which the station's own capacity may be sent. */
interface Group extends Capacity {
  readonly states: readonly EndpointState[];
}

/** Plans where a generation may run. Pure: the same request, policy, snapshot and random source give the same plan. */
export const planRoute = (
  request: RoutePlanRequest,
  policy: PolicyRules,
  snapshot: RoutingSnapshot,
  random: () => number,
): RoutePlanReply => {
  const { preferences, features, identity } = request;
  const rules = narrow(policy, rulesOfPreferences(preferences));
  const asked = modelsOf(request.models, snapshot.index);
  const demand = demandOf(preferences, features, rules, asked.admits);
  const tier = tierNamed(features.serviceTier);
  const excluded: Excluded[] = [];
  const groups: Group[] = [];
  const ownKeys = snapshot.ownKeys.of(identity.workspaceId);
  const stateOf = ({ id, credentialId, place }: Route): EndpointState =>
    snapshot.health.stateOf(id, snapshot.nowMs, credentialId, place);
  const full = (keyId: string, capacity: CapacityLimits, place?: number): Exclusion | undefined => {
    const told = snapshot.capacity?.fullOf(keyId, capacity, features.inputTokensEstimate, snapshot.nowMs, place);
    return told === undefined ? undefined : { rule: 'capacity', detail: told.by, retryAfterMs: told.retryAfterMs };
  };
  const keyStates: KeyStates = {
    isRefused: (ownKeyId) => snapshot.health.isRefused(ownKeyId, snapshot.nowMs),
    full,
  };
  const tell: Exclude = (route, exclusion, ownKey) => exclude(excluded, route, exclusion, ownKey);
  const sort = preferences.sort?.by ?? asked.sort ?? rules.sort;
  const order = (preferences.order ?? []).map((each) => each.toLowerCase());
  const affinities: Affinity[] = [];
  // Who says where to go, or by which measure, means it.
  const conversation = order.length === 0 && sort === undefined ? features.conversation : undefined;

  for (const model of asked.ids) {
    const routes = snapshot.index.byModel.get(model);
    if (routes === undefined) excluded.push({ model, rule: 'unknown_model' });
    else {
      const fitting = fittingOf(tier === 'flex' ? onlyFlexible(routes, excluded) : routes, demand, excluded);
      const capacity = splitCapacity(fitting, ownKeys, identity, tell, keyStates);
      if (conversation !== undefined) {
        const told = snapshot.overrides?.of(identity.workspaceId, model, conversation);
        const affinity = affinityOf(model, triedFirst(capacity), conversation, told, snapshot.nowMs);
        if (affinity !== undefined) affinities.push(affinity);
      }
      groups.push({ ...capacity, ...healthyOf(capacity.shared, stateOf, excluded) });
    }
  }
  const ordering: Ordering = {
    order,
    sort: sort ?? (features.toolCount > 0 ? 'exacto' : undefined),
    limits: speedLimitsOf(preferences),
    tierFirst: tier === 'priority' ? tier : undefined,
    conversation: features.conversation,
    overrides: overridesOf(affinities),
  };
  const figuresOf: FiguresOf = (endpointId, place) => snapshot.figuresOf?.(endpointId, snapshot.nowMs, place);
  let sorted = false;
  const inOrder = (routes: readonly Route[], states: Circumstances['stateOf'], count?: number): Route[] => {
    const told = orderEndpoints(routes, ordering, { stateOf: states, figuresOf, random }, count);
    sorted ||= told.sorted;
    return told.routes;
  };
  const together = sort !== undefined && preferences.sort?.partition === 'none';
  const ordered = (together ? [groups] : groups.map((group) => [group])).map((group) => {
    const { shared, states } = joined(group);
    const stateAt = (_: Route, place: number): EndpointState => states[place] ?? 'stable';
    return waysOf(group, inOrder(shared, stateAt, MAX_ATTEMPTS), (own) => inOrder(own, stateOf));
  });
  const attempts = take(
    ordered,
    preferences.allowFallbacks === false && ordering.order.length === 0 ? 1 : MAX_ATTEMPTS,
    excluded,
  ).map((way) => attemptOf(way, demand));
  return {
    attempts,
    excluded,
    // Plans are objects of one shape: whoever reads them stays compiled for it.
    affinity: affinities.length === 0 ? undefined : affinities,
    snapshotRevision: snapshot.index.revision,
    strategy: strategyOf(ordering, sort, sorted, attempts),
    aliases: asked.aliases,
  };
};

const NO_OVERRIDES: ReadonlySet<string> = new Set();

const overridesOf = (affinities: readonly Affinity[]): ReadonlySet<string> => {
  const told = affinities.flatMap(({ override }) => (override === undefined ? [] : [override.endpointId]));
  return told.length === 0 ? NO_OVERRIDES : new Set(told);
};

/** Where a request goes while all is well. */
const triedFirst = ({ first, shared }: Capacity): readonly Route[] => {
  const own = [...first].flatMap(([route, keys]) => (keys.length > 0 ? [route] : []));
  return own.length > 0 ? own : shared;
};

interface Asked {
  /** Catalogue ids in order, each once. */
  readonly ids: readonly string[];
  /** By the first id that has a variant which says how to sort. */
  readonly sort: ParsedModelId['sort'] | undefined;
  readonly admits: ParsedModelId['admits'] | undefined;
  /** What aliases stand for, as the client wrote them. */
  readonly aliases: Readonly<Record<string, string>> | undefined;
}

const modelsOf = (models: readonly string[], { latest }: RoutingIndex): Asked => {
  const parsed = models.map(parseModelId);
  const sorting = parsed.find(({ sort }) => sort !== undefined);
  const aliases = models.flatMap((model, place) => {
    const target = latest.get(parsed[place]?.id ?? model);
    return target === undefined ? [] : [[model, target] as const];
  });
  const ids = parsed.map(({ id }) => latest.get(id) ?? id);
  return {
    ids: ids.length === 1 ? ids : [...new Set(ids)],
    sort: sorting?.sort,
    admits: sorting?.admits,
    aliases: aliases.length === 0 ? undefined : Object.fromEntries(aliases),
  };
};

/** Who asks for the flex tier is served at no other, unless the model has none. */
const onlyFlexible = (routes: readonly Route[], excluded: Excluded[]): readonly Route[] => {
  if (!routes.some(({ tiers, unusable }) => tiers.has('flex') && unusable === undefined)) return routes;
  return routes.filter((route) => {
    if (route.tiers.has('flex')) return true;
    exclude(excluded, route, { rule: 'service_tier', detail: 'flex' });
    return false;
  });
};

const exclude = (
  excluded: Excluded[],
  route: Route,
  { rule, detail, retryAfterMs }: Exclusion,
  ownKey?: OwnKey,
): void => {
  // Put together without spreads: of thousands of endpoints nearly all come here.
  const told: Excluded = { endpointId: route.id, model: route.model, provider: route.provider, rule };
  if (detail !== undefined) told.detail = detail;
  if (retryAfterMs !== undefined) told.retryAfterMs = retryAfterMs;
  if (ownKey !== undefined) told.credentialId = ownKey.id;
  excluded.push(told);
};

/** Hard rules, then the soft ones about what an endpoint can do, which only apply while somebody is left. */
const fittingOf = (routes: readonly Route[], demand: Demand, excluded: Excluded[]): readonly Route[] => {
  let left: readonly Route[] = kept(routes, (route) => {
    const exclusion = excludeEndpoint(route, demand);
    if (exclusion !== undefined) exclude(excluded, route, exclusion);
    return exclusion === undefined;
  });
  // A prompt is shortened only where no endpoint takes all of it. Whom it is not to be shortened for has been left out above.
  if (demand.features.compression !== undefined)
    left = preferred(left, ({ context }) => exceedsContext(demand.features, context), excluded);
  for (const name of SOFTLY_REQUIRED) {
    if (!demand.parameters.includes(name)) continue;
    const lacking: Exclusion = { rule: 'require_parameters', detail: name };
    left = preferred(left, ({ supported }) => (supported.has(name) ? undefined : lacking), excluded);
  }
  return left;
};

/**
 * The rules about health, which is that of the station's own capacity: what a provider limits for it, it may not limit for a customer. Nobody is sent to one that is out, be
 * it the last one.
 */
const healthyOf = (
  routes: readonly Route[],
  stateOf: (route: Route) => EndpointState,
  excluded: Excluded[],
): Pick<Group, 'shared' | 'states'> => {
  const asked: Route[] = [];
  const statesAsked: EndpointState[] = [];
  let well = 0;
  for (const route of routes) {
    const state = stateOf(route);
    if (state === 'out') exclude(excluded, route, { rule: 'down' });
    else {
      asked.push(route);
      statesAsked.push(state);
      if (isWell(state)) well += 1;
    }
  }
  // Nobody is left out where that would leave nobody.
  if (well === 0 || well === asked.length) return { shared: asked, states: statesAsked };
  const shared: Route[] = [];
  const states: EndpointState[] = [];
  for (let place = 0; place < asked.length; place += 1) {
    const [route, state] = [asked[place], statesAsked[place]];
    if (route === undefined || state === undefined) continue;
    if (state === 'down' || state === 'resting') exclude(excluded, route, { rule: state });
    else {
      shared.push(route);
      states.push(state);
    }
  }
  return { shared, states };
};

const isWell = (state: EndpointState): boolean => state !== 'down' && state !== 'resting';

/** Those that nothing speaks against, if there are any; all of them otherwise. */
const preferred = (
  routes: readonly Route[],
  against: (route: Route) => Exclusion | undefined,
  excluded: Excluded[],
): readonly Route[] => {
  // Nearly always there is nothing to tell.
  if (!speaksAgainstAny(routes, against)) return routes;
  const exclusions = routes.map(against);
  if (!exclusions.includes(undefined)) return routes;
  return routes.filter((route, place) => {
    const exclusion = exclusions[place];
    if (exclusion !== undefined) exclude(excluded, route, exclusion);
    return exclusion === undefined;
  });
};

/** Nearly always there is one group alone. */
const joined = (groups: readonly Group[]): Pick<Group, 'shared' | 'states'> => {
  const [first] = groups;
  return groups.length === 1 && first !== undefined
    ? first
    : { shared: groups.flatMap(({ shared }) => shared), states: groups.flatMap(({ states }) => states) };
};

const speaksAgainstAny = (routes: readonly Route[], against: (route: Route) => Exclusion | undefined): boolean => {
  for (const route of routes) if (against(route) !== undefined) return true;
  return false;
};

/** The first `limit` over all groups, leaving room for the first of each later group. */
const take = (groups: readonly Ways[], limit: number, excluded: Excluded[]): Way[] => {
  const taken: Way[] = [];
  const beyond: Exclusion['rule'] = limit === 1 ? 'fallbacks_not_allowed' : 'beyond_max_attempts';
  let groupsLeft = groups.reduce((count, group) => count + (isEmpty(group) ? 0 : 1), 0);
  for (const group of groups) {
    if (!isEmpty(group)) groupsLeft -= 1;
    let room = Math.max(limit - taken.length - groupsLeft, taken.length < limit ? 1 : 0);
    const takeOne = (route: Route, ownKey?: OwnKey): void => {
      room -= 1;
      if (room < 0 && ownKey === undefined && route.beyond.rule === beyond) excluded.push(route.beyond);
      else if (room < 0) exclude(excluded, route, { rule: beyond }, ownKey);
      else taken.push(ownKey === undefined ? { route } : { route, ownKey });
    };
    for (const { route, ownKey } of group.first) takeOne(route, ownKey);
    for (const route of group.shared) takeOne(route);
    for (const { route, ownKey } of group.last) takeOne(route, ownKey);
  }
  return taken;
};

const isEmpty = ({ first, shared, last }: Ways): boolean => first.length + shared.length + last.length === 0;

/** What the endpoint does not take is left out upstream and told as a warning. */
const attemptOf = ({ route, ownKey }: Way, demand: Demand): PlannedAttempt => {
  const dropParameters = demand.parameters.filter((name) => !route.supported.has(name));
  if (dropParameters.length === 0 && ownKey === undefined) return route.attempt;
  const { capacity, ...ofEndpoint } = route.attempt;
  const limited = ownKey === undefined ? capacity : ownKey.capacity;
  return {
    ...ofEndpoint,
    ...(ownKey === undefined ? {} : { credentialId: ownKey.id, byok: true }),
    ...(limited === undefined ? {} : { capacity: limited }),
    ...(dropParameters.length === 0 ? {} : { dropParameters }),
  };
};

/** @param asked the sort that somebody chose; the one in force may be the default of requests with tools */
const strategyOf = (
  { sort, order, conversation, overrides }: Ordering,
  asked: Ordering['sort'],
  sorted: boolean,
  attempts: readonly PlannedAttempt[],
): string => {
  const chosen = conversation === undefined ? 'weighted' : 'conversation';
  const rest = sorted ? (sort ?? chosen) : asked === undefined ? chosen : `${asked}-unmeasured`;
  const [first] = attempts;
  const moved = first !== undefined && overrides.has(first.endpointId) ? `${rest}+override` : rest;
  const listed = order.length > 0 ? `order+${rest}` : moved;
  return attempts.some(({ byok }) => byok) ? `own-keys+${listed}` : listed;
};
