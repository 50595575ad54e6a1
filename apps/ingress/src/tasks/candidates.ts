// The models that could serve a request at all: those with an endpoint that no hard rule of workspace, guardrails, request and task rule speaks against, and that the caller can be
// asked for with some key. Pure.
import type { Identity, ProviderPreferences, RouteFeatures } from '@waystation/contracts';
import type { PolicyRules } from '@waystation/policy';
import { narrow, rulesOfPreferences } from '@waystation/policy';
import {
  buildRoutingIndex,
  canBeAsked,
  demandOf,
  excludeEndpoint,
  indexOwnKeys,
  type OwnKeysIndex,
  type Route,
  type RoutingIndex,
} from '@waystation/routing';
import type { CatalogSnapshot, PolicySnapshot } from '@waystation/runtime';
import type { Candidate } from '@waystation/tasks';

/** What there is to choose from. */
export interface Market {
  readonly catalog: CatalogSnapshot;
  /** With the workspaces' own provider keys. */
  readonly policies: PolicySnapshot;
}

/** Who chooses, and what for. */
export interface Asking {
  readonly identity: Pick<Identity, 'workspaceId' | 'keyHash' | 'memberId'>;
  readonly policy: PolicyRules;
  readonly preferences: ProviderPreferences;
  readonly features: RouteFeatures;
  /** By which endpoints of a model are compared, and models; absent: the usual mix of prompt and completion. */
  readonly costOf?: (route: Route) => bigint;
}

/** Softly required elsewhere, where the client named the model; who chooses one takes one that can. */
const NEEDED = ['tools', 'response_format'];

/** Per snapshot, since a snapshot never changes. */
const remembered = <Snapshot extends object, Index>(build: (snapshot: Snapshot) => Index) => {
  const indexes = new WeakMap<Snapshot, Index>();
  return (snapshot: Snapshot): Index => {
    const known = indexes.get(snapshot) ?? build(snapshot);
    indexes.set(snapshot, known);
    return known;
  };
};
const indexOf = remembered<CatalogSnapshot, RoutingIndex>(buildRoutingIndex);
const ownKeysOf = remembered<PolicySnapshot, OwnKeysIndex>(({ ownKeys }) => indexOwnKeys(ownKeys));

/** Each with the price of its cheapest endpoint that serves; empty where every one is excluded. */
const candidatesWhere = (
  { catalog }: Market,
  costOf: (route: Route) => bigint,
  serves: (route: Route) => boolean,
): Candidate[] => {
  const candidates: Candidate[] = [];
  for (const [model, routes] of indexOf(catalog).byModel) {
    let price: bigint | undefined;
    for (const route of routes) {
      const cost = costOf(route);
      if ((price === undefined || cost < price) && serves(route)) price = cost;
    }
    if (price !== undefined) candidates.push({ model, price });
  }
  return candidates;
};

const blendedPrice = (route: Route): bigint => route.blendedPrice;

export const candidatesFor = (market: Market, asking: Asking): Candidate[] => {
  const { identity, policy, preferences, features, costOf = blendedPrice } = asking;
  // No name that stands for a choice has a variant.
  const demand = demandOf(preferences, features, narrow(policy, rulesOfPreferences(preferences)), undefined);
  const ownKeys = ownKeysOf(market.policies).of(identity.workspaceId);
  const needed = NEEDED.filter((name) => features.parameters.includes(name));
  const serves = (route: Route): boolean =>
    needed.every((name) => route.supported.has(name)) &&
    excludeEndpoint(route, demand) === undefined &&
    canBeAsked(route, ownKeys, identity);
  const takesAll = ({ attempt }: Route): boolean => attempt.context >= features.inputTokensEstimate;
  const whole = candidatesWhere(market, costOf, (route) => takesAll(route) && serves(route));
  // A prompt that may be shortened is so only where no model takes all of it.
  return whole.length > 0 ? whole : candidatesWhere(market, costOf, serves);
};
