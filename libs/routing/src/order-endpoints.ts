// In what order eligible endpoints are tried. By default: stable ones first, chosen with a weight of 1/price², by the conversation where there is one.
// Invariant: deterministic but for `random`, which is drawn once per route, in their order, and only without a conversation.
import { isTooSlow, rankBySpeed, type FiguresOf, type SpeedLimits } from './figures.js';
import type { EndpointState } from './health.js';
import { hashText, rendezvousScore, uniformOf } from './rendezvous.js';
import type { Route } from './routing-index.js';

export type Sort = 'price' | 'throughput' | 'latency' | 'exacto';

export interface Ordering {
  /** Slugs, tags or names in lower case: these first, in this order. */
  readonly order: readonly string[];
  /** Instead of the weighted choice; `exacto` is one among the good. */
  readonly sort: Sort | undefined;
  /** Those that are known to miss them come last. */
  readonly limits: SpeedLimits | undefined;
  /** A service tier whose endpoints come before the others, if any is asked for that has such. */
  readonly tierFirst: string | undefined;
  readonly conversation: string | undefined;
  /** Endpoints at which the conversation was served of late: before others of their class. */
  readonly overrides: ReadonlySet<string>;
}

/** What the order depends on besides the request. */
export interface Circumstances {
  stateOf(route: Route): EndpointState;
  readonly figuresOf: FiguresOf;
  random(): number;
}

export interface Ordered {
  readonly routes: Route[];
  /** Whether what is known was enough to sort as it was asked. */
  readonly sorted: boolean;
}

/** Classes of health are tried one after the other. */
const CLASS_OF: Readonly<Record<EndpointState, number>> = {
  // One request now and then finds out whether it is back; the others are its fallbacks.
  trial: -1,
  stable: 0,
  'recent-outage': 1,
  degraded: 2,
  resting: 3,
  down: 4,
  out: 5,
};

interface Ranked {
  readonly route: Route;
  /** Not too slow, then the place in `order` (behind all of them where it is not listed), then the tier: one number, so that comparing is cheap. */
  readonly preference: number;
  readonly healthClass: number;
  readonly speed: number;
  /** 0 where the conversation was served there of late, 1 elsewhere. */
  readonly distance: number;
  readonly score: number;
}

/** @param sorted so many in order in front; what comes behind them is in no order. All, where nothing is said */
export const orderEndpoints = (
  routes: readonly Route[],
  { order, sort, limits, tierFirst, conversation, overrides }: Ordering,
  { stateOf, figuresOf, random }: Circumstances,
  sorted = routes.length,
): Ordered => {
  const hash = conversation === undefined ? undefined : hashText(conversation);
  const speeds =
    sort === undefined || sort === 'price'
      ? undefined
      : rankBySpeed(
          sort,
          routes.map(({ id }) => id),
          figuresOf,
        );
  const ranked = routes.map((route, index): Ranked => {
    const uniform = hash === undefined ? 1 - random() : uniformOf(hash, route.hash);
    return {
      route,
      preference: preferenceOf(
        limits !== undefined && isTooSlow(figuresOf(route.id), limits),
        placeOf(route, order),
        tierFirst !== undefined && !route.tiers.has(tierFirst),
        order.length,
      ),
      healthClass: CLASS_OF[stateOf(route)],
      speed: speeds?.[index] ?? 0,
      distance: overrides.has(route.id) ? 0 : 1,
      score: rendezvousScore(uniform, route.weight),
    };
  });
  const inOrder = bestFirst(ranked, sorted, COMPARE[sort ?? 'weight']);
  return { routes: inOrder.map(({ route }) => route), sorted: sort === 'price' || speeds !== undefined };
};

/** Of thousands only the first few are tried: finding these takes one look at each. */
const bestFirst = (ranked: Ranked[], count: number, compare: Compare): Ranked[] => {
  if (count >= ranked.length) return ranked.sort(compare);
  const best: Ranked[] = [];
  const rest: Ranked[] = [];
  for (const each of ranked) {
    let place = best.length;
    for (let before = best[place - 1]; before !== undefined && compare(each, before) < 0; before = best[place - 1])
      place -= 1;
    if (place < count) best.splice(place, 0, each);
    const dropped = place < count ? (best.length > count ? best.pop() : undefined) : each;
    if (dropped !== undefined) rest.push(dropped);
  }
  return best.concat(rest);
};

const placeOf = (route: Route, order: readonly string[]): number => {
  for (let place = 0; place < order.length; place += 1) {
    const name = order[place];
    if (name !== undefined && route.providerNames.includes(name)) return place;
  }
  return order.length;
};

const preferenceOf = (isTooSlow: boolean, place: number, isOutsideTier: boolean, placeMax: number): number =>
  ((isTooSlow ? placeMax + 1 : 0) + place) * 2 + (isOutsideTier ? 1 : 0);

type Compare = (a: Ranked, b: Ranked) => number;

const byPreference: Compare = (a, b) => a.preference - b.preference;

const byConversation: Compare = (a, b) => a.distance - b.distance || a.score - b.score;

const byWeight: Compare = (a, b) => byPreference(a, b) || a.healthClass - b.healthClass || byConversation(a, b);

const byPrice: Compare = (a, b) =>
  byPreference(a, b) ||
  (a.route.blendedPrice < b.route.blendedPrice
    ? -1
    : a.route.blendedPrice > b.route.blendedPrice
      ? 1
      : a.healthClass - b.healthClass || a.score - b.score);

/** Two that are not known differ by NaN, which is no difference. */
const bySpeed: Compare = (a, b) =>
  byPreference(a, b) || a.speed - b.speed || a.healthClass - b.healthClass || a.score - b.score;

const byClass: Compare = (a, b) =>
  byPreference(a, b) || a.healthClass - b.healthClass || a.speed - b.speed || byConversation(a, b);

const COMPARE: Readonly<Record<Sort | 'weight', Compare>> = {
  price: byPrice,
  throughput: bySpeed,
  latency: bySpeed,
  exacto: byClass,
  weight: byWeight,
};
