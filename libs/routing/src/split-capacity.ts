// Whose key an endpoint is asked with: own keys of the workspace come before the station's own capacity, those that are fallbacks behind it.
// Invariant: with every endpoint, each own key of its provider, and the capacity, is a way to be tried or excluded with the rule that excluded it.
import type { Identity } from '@waystation/contracts';
import type { Exclusion } from './exclude-endpoint.js';
import { filteredBy, type OwnKey, type OwnKeysOfWorkspace } from './own-keys.js';
import type { Route } from './routing-index.js';

/** One way to ask an endpoint. */
export interface Way {
  readonly route: Route;
  /** The own key that it is asked with; undefined: the station's own capacity. */
  readonly ownKey?: OwnKey;
}

/** Keys that serve the call, by route. */
export interface Capacity {
  readonly first: ReadonlyMap<Route, readonly OwnKey[]>;
  readonly last: ReadonlyMap<Route, readonly OwnKey[]>;
  /** Routes at which the station's own capacity may be used. */
  readonly shared: readonly Route[];
}

export type Exclude = (route: Route, exclusion: Exclusion, ownKey?: OwnKey) => void;

const NONE: ReadonlyMap<Route, readonly OwnKey[]> = new Map();

const hasCapacity = (route: Route): boolean => route.attempt.credentialId !== undefined;

export const splitCapacity = (
  routes: readonly Route[],
  ownKeys: OwnKeysOfWorkspace | undefined,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
  exclude: Exclude,
  /** Whether the provider refuses a key again and again: such a one is tried last, and by its own workspace alone. */
  isRefused: (ownKeyId: string) => boolean,
): Capacity => {
  const shared: Route[] = [];
  const first = new Map<Route, OwnKey[]>();
  const last = new Map<Route, OwnKey[]>();
  for (const route of routes) {
    const serving: OwnKey[] = [];
    for (const key of ownKeys?.get(route.attempt.provider) ?? []) {
      const filter = filteredBy(key, route.model, identity);
      if (filter === undefined) serving.push(key);
      else exclude(route, { rule: 'own_key_filter', detail: filter }, key);
    }
    if (serving.length > 0) {
      first.set(
        route,
        serving.filter((key) => !key.isFallback && !isRefused(key.id)),
      );
      last.set(
        route,
        serving.filter((key) => key.isFallback || isRefused(key.id)),
      );
    }
    if (!hasCapacity(route)) exclude(route, { rule: 'no_credential' });
    else if (serving.some((key) => key.alwaysUse)) exclude(route, { rule: 'own_key_only' });
    else shared.push(route);
  }
  return first.size === 0 ? { first: NONE, last: NONE, shared } : { first, last, shared };
};

const NOBODY_ASKS = (): void => undefined;
const NEVER = (): boolean => false;

/** Whether this caller could be served there at all: by the station's own capacity, or by an own key of its workspace that serves it. */
export const canBeAsked = (
  route: Route,
  ownKeys: OwnKeysOfWorkspace | undefined,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
): boolean => {
  // Most have none, and who chooses a model asks about every endpoint there is.
  if (ownKeys?.get(route.attempt.provider) === undefined) return hasCapacity(route);
  const { first, shared } = splitCapacity([route], ownKeys, identity, NOBODY_ASKS, NEVER);
  return shared.length > 0 || first.size > 0;
};

const waysWith = (routes: readonly Route[], keys: ReadonlyMap<Route, readonly OwnKey[]>): Way[] =>
  routes.flatMap((route) => (keys.get(route) ?? []).map((ownKey) => ({ route, ownKey })));

/** All ways in order: `order` puts routes into the order in which they are tried, whoever's key they are asked with. */
export const waysOf = (groups: readonly Capacity[], order: (routes: readonly Route[]) => Route[]): Way[] => {
  const own = groups.flatMap(({ first }) => [...first.keys()]);
  const shared = order(groups.flatMap((group) => group.shared)).map((route): Way => ({ route }));
  if (own.length === 0) return shared;
  const ordered = order(own);
  const keysOf = (part: 'first' | 'last') => new Map(groups.flatMap((group) => [...group[part]]));
  return [...waysWith(ordered, keysOf('first')), ...shared, ...waysWith(ordered, keysOf('last'))];
};
