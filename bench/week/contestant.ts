// Who decides where a request is tried: the product, or one of the simple ways that it is held against. All of them meet the same endpoints, and go on after the same failures.
import type { PlannedAttempt } from '@waystation/contracts';
import type { RoutableCatalog } from '@waystation/routing';
import type { RelayResult } from '../../apps/worker/src/attempt/relay.js';
import type { Ask, Tenant } from './asks.ts';
import { endpointIdOf, OFFERS } from './market.ts';

export interface Candidate {
  readonly slug: string;
  /** Asked with the key that the customer brought. */
  readonly withOwnKey: boolean;
  /** As the product planned it. */
  readonly attempt?: PlannedAttempt;
}

export interface Contestant {
  readonly name: string;
  /** Where to try, in order. The request counts as begun. */
  plan(ask: Ask): readonly Candidate[];
  /** Whether a request that has had an attempt may have another. */
  mayGoOn(ask: Ask): boolean;
  ended(ask: Ask, candidate: Candidate, result: RelayResult): void;
  /** The catalog has a new revision. */
  swap(catalog: RoutableCatalog): void;
}

/** A rule that nothing may break, whoever decides. */
export const mayServe = (tenant: Tenant, slug: string): boolean =>
  tenant !== 'european' || OFFERS.some((offer) => offer.slug === slug && offer.region === 'eu');

/** Their key is for alder; without a memory of how it went it is always used. */
const OWN_KEY_SLUG = 'alder';

const candidate = (ask: Ask, slug: string): Candidate => ({
  slug,
  withOwnKey: ask.tenant === 'own-key' && slug === OWN_KEY_SLUG,
});

const ATTEMPTS_MAX = 8;
const noNews = { mayGoOn: () => true, ended: () => undefined };

/** Each request the next one in turn, whatever happened there. */
export const roundRobin = (fallbacks: boolean): Contestant => {
  let turn = 0;
  return {
    ...noNews,
    name: fallbacks ? 'round-robin, with fallbacks' : 'round-robin',
    plan(ask) {
      const fitting = OFFERS.filter(({ slug }) => mayServe(ask.tenant, slug));
      turn += 1;
      return fitting
        .map((_, place) => candidate(ask, fitting[(place + turn) % fitting.length]?.slug ?? ''))
        .slice(0, fallbacks ? ATTEMPTS_MAX : 1);
    },
    swap: () => undefined,
  };
};

/** Always the cheapest of now, whatever happened there; with fallbacks then the next cheapest. */
export const alwaysCheapest = (fallbacks: boolean): Contestant => {
  let byPrice: readonly string[] = [];
  return {
    ...noNews,
    name: fallbacks ? 'always the cheapest, with fallbacks' : 'always the cheapest',
    plan: (ask) =>
      byPrice
        .filter((slug) => mayServe(ask.tenant, slug))
        .slice(0, fallbacks ? ATTEMPTS_MAX : 1)
        .map((slug) => candidate(ask, slug)),
    swap(catalog) {
      const priceOf = (slug: string): number => {
        const { perUnit = {} } = catalog.endpoints.get(endpointIdOf(slug))?.price ?? {};
        return 3 * Number(perUnit['input']) + Number(perUnit['output']);
      };
      byPrice = OFFERS.map(({ slug }) => slug).sort((a, b) => priceOf(a) - priceOf(b));
    },
  };
};
