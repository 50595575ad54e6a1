// In what order eligible endpoints are tried. By default: stable ones first, chosen with a weight of 1/price², by the conversation where there is one.
import type { EndpointState } from './health.js';
import { hashText, rendezvousScore, uniformOf } from './rendezvous.js';
import type { Route } from './routing-index.js';

export interface Ordering {
  /** Slugs, tags or names in lower case: these first, in this order. */
  readonly order: readonly string[];
  /** Strictly by price instead of the weighted choice. */
  readonly byPrice: boolean;
  readonly conversation: string | undefined;
  /** Endpoints at which the conversation was served of late: before others of their class. */
  readonly overrides: ReadonlySet<string>;
}

/** Classes of health are tried one after the other. */
const CLASS_OF: Readonly<Record<EndpointState, number>> = {
  stable: 0,
  'recent-outage': 1,
  degraded: 2,
  resting: 3,
  down: 4,
};

interface Ranked {
  readonly route: Route;
  /** Place in `order`; behind all of them where it is not listed. */
  readonly place: number;
  readonly healthClass: number;
  /** 0 where the conversation was served there of late, 1 elsewhere. */
  readonly distance: number;
  readonly score: number;
}

/** Pure: `random` is drawn once per route, in their order, and only without a conversation. */
export const orderEndpoints = (
  routes: readonly Route[],
  ordering: Ordering,
  stateOf: (route: Route) => EndpointState,
  random: () => number,
): Route[] => {
  const conversation = ordering.conversation === undefined ? undefined : hashText(ordering.conversation);
  const ranked = routes.map((route): Ranked => {
    const uniform = conversation === undefined ? 1 - random() : uniformOf(conversation, route.hash);
    return {
      route,
      place: placeOf(route, ordering.order),
      healthClass: CLASS_OF[stateOf(route)],
      distance: ordering.overrides.has(route.id) ? 0 : 1,
      score: rendezvousScore(uniform, route.weight),
    };
  });
  return ranked.sort(ordering.byPrice ? compareByPrice : compareByWeight).map(({ route }) => route);
};

const placeOf = (route: Route, order: readonly string[]): number => {
  for (let place = 0; place < order.length; place += 1) {
    const name = order[place];
    if (name !== undefined && route.providerNames.includes(name)) return place;
  }
  return order.length;
};

const compareByWeight = (a: Ranked, b: Ranked): number =>
  a.place - b.place || a.healthClass - b.healthClass || a.distance - b.distance || a.score - b.score;

const compareByPrice = (a: Ranked, b: Ranked): number =>
  a.place - b.place ||
  (a.route.blendedPrice < b.route.blendedPrice
    ? -1
    : a.route.blendedPrice > b.route.blendedPrice
      ? 1
      : a.healthClass - b.healthClass || a.score - b.score);
