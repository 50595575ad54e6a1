// What workspace, guardrail, key and request may restrict, as one algebra: rules are only ever added, so a child can never widen its parent.
import type { PolicyEntry, ProviderPreferences, ZdrGroup } from '@waystation/contracts';

/** The restrictions in force. `NO_RULES` admits everything. */
export interface PolicyRules {
  /** Every list must name the model. */
  readonly allowedModels: readonly ReadonlySet<string>[];
  readonly ignoredModels: ReadonlySet<string>;
  /** Every list must name the provider: by slug (all its endpoints), by full tag (that one), or by display name; lower case. */
  readonly allowedProviders: readonly ReadonlySet<string>[];
  readonly ignoredProviders: ReadonlySet<string>;
  /** Every list must name the region; an endpoint whose region is unknown is in none. */
  readonly regions: readonly ReadonlySet<string>[];
  /** Only endpoints that retain nothing. */
  readonly zdr: boolean;
  /** The same for the models of these groups. */
  readonly zdrGroups: ReadonlySet<ZdrGroup>;
  /** Only endpoints that neither retain nor train. */
  readonly denyDataCollection: boolean;
  readonly priceCeiling: PriceCeiling;
  /** The default order, where the request does not choose one. Not a restriction: the innermost that names one wins. */
  readonly sort?: 'price' | 'throughput' | 'latency' | 'exacto';
}

export const PRICE_KINDS = ['prompt', 'completion', 'request', 'image', 'audio'] as const;
export type PriceKind = (typeof PRICE_KINDS)[number];
/** Picodollars per unit; absent: no ceiling. */
export type PriceCeiling = Readonly<Partial<Record<PriceKind, bigint>>>;

const NONE: ReadonlySet<string> = new Set();
const NO_GROUPS: ReadonlySet<ZdrGroup> = new Set();

export const NO_RULES: PolicyRules = {
  allowedModels: [],
  ignoredModels: NONE,
  allowedProviders: [],
  ignoredProviders: NONE,
  regions: [],
  zdr: false,
  zdrGroups: NO_GROUPS,
  denyDataCollection: false,
  priceCeiling: {},
};

const lowerCase = (list: readonly string[] | undefined): ReadonlySet<string> =>
  list === undefined || list.length === 0 ? NONE : new Set(list.map((each) => each.toLowerCase()));
/** An absent list has no opinion; an empty one admits nothing. */
const asLists = (list: readonly string[] | undefined): readonly ReadonlySet<string>[] =>
  list === undefined ? [] : [lowerCase(list)];

/** The rules of a stored policy. */
export const rulesOfPolicy = (policy: PolicyEntry): PolicyRules => ({
  allowedModels: asLists(policy.allowedModels),
  ignoredModels: lowerCase(policy.ignoredModels),
  allowedProviders: asLists(policy.allowedProviders),
  ignoredProviders: lowerCase(policy.ignoredProviders),
  regions: asLists(policy.regions),
  zdr: policy.zdr === true,
  zdrGroups: policy.zdrGroups === undefined ? NO_GROUPS : new Set(policy.zdrGroups),
  denyDataCollection: policy.dataCollection === 'deny',
  priceCeiling: {},
  ...(policy.sort === undefined ? {} : { sort: policy.sort }),
});

/** The part of a request's preferences that restricts in the same ways. Its `only`, `ignore` and `order` lists are routing's, because they have their own words in the answer. */
export const rulesOfPreferences = (preferences: ProviderPreferences): PolicyRules => {
  const { maxPrice } = preferences;
  if (preferences.zdr !== true && preferences.dataCollection !== 'deny' && maxPrice === undefined) return NO_RULES;
  const priceCeiling: Partial<Record<PriceKind, bigint>> = {};
  for (const kind of PRICE_KINDS) {
    const text = maxPrice?.[kind];
    if (text !== undefined) priceCeiling[kind] = BigInt(text);
  }
  return {
    ...NO_RULES,
    zdr: preferences.zdr === true,
    denyDataCollection: preferences.dataCollection === 'deny',
    priceCeiling,
  };
};

/** Parent and child together: allow-lists intersect, deny-lists unite, flags are ORed, ceilings take the lower. */
export const narrow = (parent: PolicyRules, child: PolicyRules): PolicyRules => {
  if (child === NO_RULES) return parent;
  if (parent === NO_RULES) return child;
  const sort = child.sort ?? parent.sort;
  return {
    allowedModels: [...parent.allowedModels, ...child.allowedModels],
    ignoredModels: union(parent.ignoredModels, child.ignoredModels),
    allowedProviders: [...parent.allowedProviders, ...child.allowedProviders],
    ignoredProviders: union(parent.ignoredProviders, child.ignoredProviders),
    regions: [...parent.regions, ...child.regions],
    zdr: parent.zdr || child.zdr,
    zdrGroups: union(parent.zdrGroups, child.zdrGroups),
    denyDataCollection: parent.denyDataCollection || child.denyDataCollection,
    priceCeiling: lower(parent.priceCeiling, child.priceCeiling),
    ...(sort === undefined ? {} : { sort }),
  };
};

/** From the outermost layer to the innermost. */
export const mergeRules = (layers: readonly PolicyRules[]): PolicyRules => layers.reduce(narrow, NO_RULES);

const union = <Item>(one: ReadonlySet<Item>, other: ReadonlySet<Item>): ReadonlySet<Item> =>
  other.size === 0 ? one : one.size === 0 ? other : new Set([...one, ...other]);

const lower = (one: PriceCeiling, other: PriceCeiling): PriceCeiling => {
  const ceiling: Partial<Record<PriceKind, bigint>> = { ...one };
  for (const kind of PRICE_KINDS) {
    const limit = other[kind];
    const known = ceiling[kind];
    if (limit !== undefined && (known === undefined || limit < known)) ceiling[kind] = limit;
  }
  return ceiling;
};
