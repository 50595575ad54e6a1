// Whose key an endpoint is asked with: own keys of the workspace come before the station's own capacity, those that are fallbacks behind it.
// Invariant: with every endpoint, each own key of its provider, and the capacity, is a way to be tried or excluded with the rule that excluded it.
import type { CapacityLimits, Identity } from '@waystation/contracts';
import type { Exclusion } from './exclude-endpoint.js';
import { kept } from './kept.js';
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
const NO_KEYS: readonly OwnKey[] = [];

const hasCapacity = (route: Route): boolean => route.credentialId !== undefined;

export interface KeyStates {
  /** Whether the provider refuses a key again and again: such a one is tried last, and by its own workspace alone. */
  isRefused(ownKeyId: string): boolean;
  /** What stands in the way where all that a key can take is taken. */
  full(keyId: string, capacity: CapacityLimits, place?: number): Exclusion | undefined;
}

export const splitCapacity = (
  routes: readonly Route[],
  ownKeys: OwnKeysOfWorkspace | undefined,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
  exclude: Exclude,
  { isRefused, full }: KeyStates,
): Capacity => {
  /** Of a key that is full is asked once, and not for each of its routes: when it has room again is worked out from all that uses it. */
  let known: Map<string, Exclusion> | undefined;
  const fullOf = (
    keyId: string | undefined,
    capacity: CapacityLimits | undefined,
    place?: number,
  ): Exclusion | undefined => {
    if (capacity === undefined || keyId === undefined) return undefined;
    const told = known?.get(keyId);
    if (told !== undefined) return told;
    const exclusion = full(keyId, capacity, place);
    if (exclusion !== undefined) (known ??= new Map()).set(keyId, exclusion);
    return exclusion;
  };
  /** What keeps it from being asked by the station's own capacity. */
  const excludedFor = (route: Route, serving: readonly OwnKey[]): Exclusion | undefined => {
    if (!hasCapacity(route)) return { rule: 'no_credential' };
    // Also where that key is full: who wants no calls from credits there gets none.
    if (serving.some((key) => key.alwaysUse)) return { rule: 'own_key_only' };
    return fullOf(route.credentialId, route.capacity, route.place);
  };
  let own: { first: Map<Route, OwnKey[]>; last: Map<Route, OwnKey[]> } | undefined;
  const shared = kept(routes, (route) => {
    const serving = ownKeys === undefined ? NO_KEYS : servingOf(route, ownKeys, identity, exclude);
    if (serving.length > 0) {
      const free = serving.filter((key) => {
        const exclusion = fullOf(key.id, key.capacity);
        if (exclusion !== undefined) exclude(route, exclusion, key);
        return exclusion === undefined;
      });
      own ??= { first: new Map(), last: new Map() };
      own.first.set(
        route,
        free.filter((key) => !key.isFallback && !isRefused(key.id)),
      );
      own.last.set(
        route,
        free.filter((key) => key.isFallback || isRefused(key.id)),
      );
    }
    const exclusion = excludedFor(route, serving);
    if (exclusion !== undefined) exclude(route, exclusion);
    return exclusion === undefined;
  });
  return { first: own?.first ?? NONE, last: own?.last ?? NONE, shared };
};

/** Own keys of the endpoint's provider that serve the call. */
const servingOf = (
  route: Route,
  ownKeys: OwnKeysOfWorkspace,
  identity: Pick<Identity, 'keyHash' | 'memberId'>,
  exclude: Exclude,
): readonly OwnKey[] =>
  (ownKeys.get(route.provider) ?? NO_KEYS).filter((key) => {
    const filter = filteredBy(key, route.model, identity);
    if (filter !== undefined) exclude(route, { rule: 'own_key_filter', detail: filter }, key);
    return filter === undefined;
  });

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
  if (ownKeys?.get(route.provider) === undefined) return hasCapacity(route);
  const { first, shared } = splitCapacity([route], ownKeys, identity, NOBODY_ASKS, ALWAYS_READY);
  return shared.length > 0 || first.size > 0;
};

const waysWith = (routes: readonly Route[], keys: ReadonlyMap<Route, readonly OwnKey[]>): Way[] =>
  routes.flatMap((route) => (keys.get(route) ?? []).map((ownKey) => ({ route, ownKey })));

/** All ways in the order in which they are tried: one part after the other. */
export interface Ways {
  readonly first: readonly Way[];
  /** By the station's own capacity: not made into ways, since of thousands all but a few are left over. */
  readonly shared: readonly Route[];
  readonly last: readonly Way[];
}

/**
 * @param shared routes of all groups whose capacity may be used, in the order in which they are tried
 * @param order puts routes into that order, whoever's key they are asked with
 */
export const waysOf = (
  groups: readonly Capacity[],
  shared: readonly Route[],
  order: (routes: readonly Route[]) => Route[],
): Ways => {
  const own = groups.flatMap(({ first }) => [...first.keys()]);
  if (own.length === 0) return { first: [], shared, last: [] };
  const ordered = order(own);
  const keysOf = (part: 'first' | 'last') => new Map(groups.flatMap((group) => [...group[part]]));
  return { first: waysWith(ordered, keysOf('first')), shared, last: waysWith(ordered, keysOf('last')) };
};
