// Whose key an endpoint is asked with: own keys of the workspace come before the station's own capacity, those that are fallbacks behind it.
// Invariant: with every endpoint, each own key of its provider, and the capacity, is a way to be tried or excluded with the rule that excluded it.
import type { CapacityLimits, Identity } from '@waystation/contracts';
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

export interface KeyStates {
  /** Whether the provider refuses a key again and again: such a one is tried last, and by its own workspace alone. */
  isRefused(ownKeyId: string): boolean;
  /** What stands in the way where all that a key can take is taken. */
  full(keyId: string, capacity: CapacityLimits): Exclusion | undefined;
}

export const splitCapacity = (
  routes: readonly Route[],
  ownKeys: OwnKeysOfWorkspace | undefined,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
  exclude: Exclude,
  { isRefused, full }: KeyStates,
): Capacity => {
  /** Asked once for each key and not for each of its routes. */
  const known = new Map<string, Exclusion | undefined>();
  const fullOf = (keyId: string | undefined, capacity: CapacityLimits | undefined): Exclusion | undefined => {
    if (capacity === undefined || keyId === undefined) return undefined;
    if (!known.has(keyId)) known.set(keyId, full(keyId, capacity));
    return known.get(keyId);
  };
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
      const free = serving.filter((key) => {
        const exclusion = fullOf(key.id, key.capacity);
        if (exclusion !== undefined) exclude(route, exclusion, key);
        return exclusion === undefined;
      });
      first.set(
        route,
        free.filter((key) => !key.isFallback && !isRefused(key.id)),
      );
      last.set(
        route,
        free.filter((key) => key.isFallback || isRefused(key.id)),
      );
    }
    if (!hasCapacity(route)) exclude(route, { rule: 'no_credential' });
    // Also where that key is full: who wants no calls from credits there gets none.
    else if (serving.some((key) => key.alwaysUse)) exclude(route, { rule: 'own_key_only' });
    else {
      const exclusion = fullOf(route.attempt.credentialId, route.attempt.capacity);
      if (exclusion === undefined) shared.push(route);
      else exclude(route, exclusion);
    }
  }
  return first.size === 0 ? { first: NONE, last: NONE, shared } : { first, last, shared };
};

const NOBODY_ASKS = (): void => undefined;
/** Whether somebody could be served does not change with the minute. */
const ALWAYS_READY: KeyStates = { isRefused: () => false, full: () => undefined };

/** Whether this caller could be served there at all: by the station's own capacity, or by an own key of its workspace that serves it. */
export const canBeAsked = (
  route: Route,
  ownKeys: OwnKeysOfWorkspace | undefined,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
): boolean => {
  // Most have none, and who chooses a model asks about every endpoint there is.
  if (ownKeys?.get(route.attempt.provider) === undefined) return hasCapacity(route);
  const { first, shared } = splitCapacity([route], ownKeys, identity, NOBODY_ASKS, ALWAYS_READY);
  return shared.length > 0 || first.size > 0;
};

const waysWith = (routes: readonly Route[], keys: ReadonlyMap<Route, readonly OwnKey[]>): Way[] =>
  routes.flatMap((route) => (keys.get(route) ?? []).map((ownKey) => ({ route, ownKey })));

/**
 * All ways in order: `order` puts routes into the order in which they are tried, whoever's key they are asked with.
 * @param tried no more ways than this are tried, so that no more of the capacity need be in order
 */
export const waysOf = (
  groups: readonly Capacity[],
  order: (routes: readonly Route[], sorted?: number) => Route[],
  tried: number,
): Way[] => {
  const own = groups.flatMap(({ first }) => [...first.keys()]);
  const shared = order(
    groups.flatMap((group) => group.shared),
    tried,
  ).map((route): Way => ({ route }));
  if (own.length === 0) return shared;
  const ordered = order(own);
  const keysOf = (part: 'first' | 'last') => new Map(groups.flatMap((group) => [...group[part]]));
  return [...waysWith(ordered, keysOf('first')), ...shared, ...waysWith(ordered, keysOf('last'))];
};
