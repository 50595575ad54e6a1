// In what order eligible endpoints are tried. By default: stable ones first, chosen with a weight of 1/price², by the conversation where there is one.
// Invariant: deterministic but for `random`, which is drawn once per route, in their order, and only without a conversation.
import { isTooSlow, rankBySpeed, type EndpointFigures, type FiguresOf, type SpeedLimits } from './figures.js';
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
  /** @param place of the route among those that are put in order */
  stateOf(route: Route, place: number): EndpointState;
  readonly figuresOf: FiguresOf;
  random(): number;
}

export interface Ordered {
  readonly routes: Route[];
  /** Whether what is known was enough to sort as it was asked. */
  readonly sorted: boolean;
}

/** Classes of health are tried one after the other. A switch, because a table would be searched for every endpoint. */
const classOf = (state: EndpointState): number => {
  switch (state) {
    case 'stable':
      return 0;
    case 'recent-outage':
      return 1;
    case 'degraded':
      return 2;
    case 'resting':
      return 3;
    case 'down':
      return 4;
    case 'out':
      return 5;
    // One request now and then finds out whether it is back; the others are its fallbacks.
    case 'trial':
      return -1;
    default: {
      const unreachable: never = state;
      return unreachable;
    }
  }
};

/** What a route is compared by, the first difference counts: numbers, whatever is sorted by, so that one comparison serves all. */
interface Ranked {
  readonly route: Route;
  /** Not too slow, then the place in `order` (behind all of them where it is not listed), then the tier: one number, so that comparing is cheap. */
  readonly preference: number;
  readonly second: number;
  readonly third: number;
  readonly fourth: number;
  readonly score: number;
}

/**
 * @param sorted so many in order in front; what comes behind them is in no order. All, where nothing is said. Of thousands only the first few are tried: finding these takes one look at
 * each, and for those that are not among them nothing is made, and mostly no score worked out.
 */
export const orderEndpoints = (
  routes: readonly Route[],
  { order, sort, limits, tierFirst, conversation, overrides }: Ordering,
  { stateOf, figuresOf, random }: Circumstances,
  sorted = routes.length,
): Ordered => {
  const hash = hashText(conversation ?? '');
  const figures = limits !== undefined || isBySpeed(sort) ? figuresOfAll(routes, figuresOf) : [];
  const speeds = isBySpeed(sort) ? rankBySpeed(sort, figures) : undefined;
  const best: Ranked[] = [];
  const rest: Route[] = [];
  for (let index = 0; index < routes.length; index += 1) {
    const route = routes[index];
    if (route === undefined) continue;
    const drawn = conversation === undefined ? 1 - random() : undefined;
    const preference = preferenceOf(
      limits !== undefined && isTooSlow(figures[index], limits),
      placeOf(route, order),
      tierFirst !== undefined && !route.tiers.has(tierFirst),
      order.length,
    );
    const healthClass = classOf(stateOf(route, index));
    const speed = speeds?.[index] ?? 0;
    /** 0 where the conversation was served there of late. */
    const distance = overrides.size > 0 && overrides.has(route.id) ? 0 : 1;
    // Health, then the conversation; with a sort that was asked for what is sorted by comes first, and with `exacto` its classes are looked at among those that are as healthy.
    let second = healthClass;
    let third = distance;
    let fourth = 0;
    if (sort === 'exacto') {
      third = speed;
      fourth = distance;
    } else if (sort !== undefined) {
      second = sort === 'price' ? route.priceRank : speed;
      third = healthClass;
    }

    const last = best.length < sorted ? undefined : best[sorted - 1];
    const behind = last === undefined ? -1 : difference(preference, second, third, fourth, last);
    const score = behind > 0 ? Infinity : rendezvousScore(drawn ?? uniformOf(hash, route), route.weight);
    if (last !== undefined && (behind > 0 || (behind === 0 && score >= last.score))) rest.push(route);
    else {
      const ranked = { route, preference, second, third, fourth, score };
      if (sorted >= routes.length) best.push(ranked);
      else {
        insert(best, ranked);
        const dropped = best.length > sorted ? best.pop() : undefined;
        if (dropped !== undefined) rest.push(dropped.route);
      }
    }
  }
  if (sorted >= routes.length) best.sort(compare);
  return { routes: best.map(({ route }) => route).concat(rest), sorted: sort === 'price' || speeds !== undefined };
};

type Speed = Exclude<Sort, 'price'>;

const isBySpeed = (sort: Sort | undefined): sort is Speed => sort !== undefined && sort !== 'price';

const figuresOfAll = (routes: readonly Route[], figuresOf: FiguresOf): (EndpointFigures | undefined)[] => {
  const figures: (EndpointFigures | undefined)[] = [];
  for (const { id, place } of routes) figures.push(figuresOf(id, place));
  return figures;
};

/** Two speeds that are not known differ by NaN, which is no difference. */
const difference = (preference: number, second: number, third: number, fourth: number, other: Ranked): number =>
  preference - other.preference || second - other.second || third - other.third || fourth - other.fourth;

const compare = (a: Ranked, b: Ranked): number =>
  difference(a.preference, a.second, a.third, a.fourth, b) || a.score - b.score;

/** Behind those that are as good. */
const insert = (best: Ranked[], ranked: Ranked): void => {
  let place = best.length;
  for (let before = best[place - 1]; before !== undefined && compare(ranked, before) < 0; before = best[place - 1])
    place -= 1;
  best.splice(place, 0, ranked);
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
