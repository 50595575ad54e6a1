// The hard rules, in the order in which they are told: the first that speaks against an endpoint is the answer. Health and soft rules come after (plan-route.ts).
import { KNOWN_PARAMETERS, perUnitFor, type EndpointTier } from '@waystation/catalog';
import type { ExclusionRule, ProviderPreferences, RouteFeatures } from '@waystation/contracts';
import { namesAny, priceAboveCeiling, refusedBy, type PolicyRules, type PriceKind } from '@waystation/policy';
import { pricesOf, type Route } from './routing-index.js';

/** A request with its lists in lower case, once for all endpoints. */
export interface Demand {
  readonly rules: PolicyRules;
  readonly features: RouteFeatures;
  readonly job: string;
  readonly only: ReadonlySet<string> | undefined;
  readonly ignore: ReadonlySet<string> | undefined;
  /** Set when `order` is given and nothing outside it may serve. */
  readonly mustBeInOrder: ReadonlySet<string> | undefined;
  readonly quantizations: ReadonlySet<string> | undefined;
  /** Parameters of the request that an endpoint can support or not. */
  readonly parameters: readonly string[];
  readonly requireParameters: boolean;
  readonly mustBeDistillable: boolean;
  /** Service tiers whose own endpoints may serve without being named. */
  readonly admittedTiers: ReadonlySet<EndpointTier>;
  /** Names of endpoints in `order` and `only`, by which an endpoint of a service tier is asked for. */
  readonly named: ReadonlySet<string>;
  readonly checksPrice: boolean;
}

export interface Exclusion {
  readonly rule: ExclusionRule;
  readonly detail?: string;
  /** Of a rule that passes with time. */
  readonly retryAfterMs?: number;
}

const KNOWN: ReadonlySet<string> = new Set(KNOWN_PARAMETERS);
/** Families: asking for `fp8` also admits its microscaled forms. */
const QUANTIZATION_FAMILIES: Readonly<Record<string, readonly string[]>> = {
  fp4: ['fp4', 'mxfp4', 'nvfp4'],
  fp8: ['fp8', 'mxfp8'],
};

const lowerCase = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list === undefined || list.length === 0 ? undefined : new Set(list.map((each) => each.toLowerCase()));

/** @param variantTier the service tier that a variant of the model admits */
export const demandOf = (
  preferences: ProviderPreferences,
  features: RouteFeatures,
  rules: PolicyRules,
  variantTier: EndpointTier | undefined,
): Demand => ({
  rules,
  features,
  job: jobOf(features.api),
  only: lowerCase(preferences.only),
  ignore: lowerCase(preferences.ignore),
  mustBeInOrder: preferences.allowFallbacks === false ? lowerCase(preferences.order) : undefined,
  quantizations: lowerCase(
    preferences.quantizations?.flatMap((each) => QUANTIZATION_FAMILIES[each.toLowerCase()] ?? [each]),
  ),
  parameters: features.parameters.filter((name) => KNOWN.has(name)),
  requireParameters: preferences.requireParameters === true,
  mustBeDistillable: preferences.enforceDistillableText === true,
  admittedTiers: admittedTiers(preferences, features.serviceTier, variantTier),
  named: lowerCase([...(preferences.order ?? []), ...(preferences.only ?? [])]) ?? NONE,
  checksPrice: Object.keys(rules.priceCeiling).length > 0,
});

const NONE: ReadonlySet<never> = new Set();

/** Two names of one tier: Anthropic's `speed: fast`. */
export const tierNamed = (name: string | undefined): string | undefined => (name === 'fast' ? 'priority' : name);

/** What is asked for by name is admitted; what a variant admits is not where the request lists its order, or pins the standard tier. */
const admittedTiers = (
  { order = [] }: ProviderPreferences,
  serviceTier: string | undefined,
  variantTier: EndpointTier | undefined,
): ReadonlySet<EndpointTier> => {
  const asked = tierNamed(serviceTier);
  if (asked === 'flex' || asked === 'priority') return new Set([asked]);
  return variantTier === undefined || asked === 'default' || order.length > 0 ? NONE : new Set([variantTier]);
};

const missing = (needed: readonly string[], offered: readonly string[]): string | undefined => {
  for (const each of needed) if (!offered.includes(each)) return each;
  return undefined;
};

/** Dialects of one job: an endpoint that can hold a conversation can do so for a client of any of them. */
const jobOf = (api: RouteFeatures['api']): string =>
  api === 'messages' || api === 'responses' || api === 'completions' ? 'chat' : api;

export const exceedsContext = (
  { longestInputTokens, inputTokensEstimate }: RouteFeatures,
  context: number,
): Exclusion | undefined => {
  const inputTokens = longestInputTokens ?? inputTokensEstimate;
  return inputTokens > context ? { rule: 'context_length', detail: `${inputTokens} > ${context}` } : undefined;
};

/** Up to here prompts are shortened unless the client forbids it. The reference API, section 9. */
const SMALL_CONTEXT = 8_192;
/** Of a prompt that is longer than so many contexts too little would be left. */
const CONTEXTS_MAX = 2;

const mayShorten = ({ compression, inputTokensEstimate }: RouteFeatures, context: number): boolean =>
  (compression === 'always' || (compression === 'small-endpoints' && context <= SMALL_CONTEXT)) &&
  inputTokensEstimate <= context * CONTEXTS_MAX;

export const excludeEndpoint = (route: Route, demand: Demand): Exclusion | undefined => {
  const { features, rules } = demand;
  if (route.unusable !== undefined)
    return {
      rule: route.unusable,
      ...(route.disabledBecause === undefined ? {} : { detail: route.disabledBecause }),
    };
  if (!route.apis.includes(demand.job)) return { rule: 'api', detail: features.api };
  if (demand.only !== undefined && !namesAny(demand.only, route.providerNames)) return { rule: 'not_in_only' };
  if (demand.ignore !== undefined && namesAny(demand.ignore, route.providerNames)) return { rule: 'ignored' };
  if (demand.mustBeInOrder !== undefined && !namesAny(demand.mustBeInOrder, route.providerNames))
    return { rule: 'not_in_order' };
  if (route.tier !== undefined && !demand.admittedTiers.has(route.tier) && !demand.named.has(route.tag))
    return { rule: 'service_tier', detail: route.tier };
  const refused = refusedBy(rules, route);
  if (refused !== undefined) return { rule: refused };
  if (demand.quantizations !== undefined && !demand.quantizations.has(route.quantization))
    return { rule: 'quantization', detail: route.quantization };
  if (demand.mustBeDistillable && !route.distillable) return { rule: 'not_distillable' };
  const modality =
    missing(features.inputModalities, route.inputModalities) ??
    missing(features.outputModalities, route.outputModalities);
  if (modality !== undefined) return { rule: 'modality', detail: modality };
  const { context } = route;
  const tooLong = exceedsContext(features, context);
  if (tooLong !== undefined && !mayShorten(features, context)) return tooLong;
  if (features.maxOutputTokens !== undefined) {
    const most = route.attempt.maxOutput ?? context;
    if (features.maxOutputTokens > most) return { rule: 'max_output', detail: `${features.maxOutputTokens} > ${most}` };
  }
  if (demand.requireParameters) {
    for (const name of demand.parameters)
      if (!route.supported.has(name)) return { rule: 'require_parameters', detail: name };
  }
  if (demand.checksPrice) {
    const kind = priceAboveCeiling(rules, (each) => priceOf(route, each, features));
    if (kind !== undefined) return { rule: 'max_price', detail: kind };
  }
  return undefined;
};

/** The price of one unit for a prompt of this size, at the service tier that is asked for. */
const priceOf = (
  { flatPrices, attempt }: Route,
  kind: PriceKind,
  { inputTokensEstimate, serviceTier }: RouteFeatures,
): bigint => {
  const prices = flatPrices ?? pricesOf(attempt.price, perUnitFor(attempt.price, inputTokensEstimate, serviceTier));
  return prices[kind];
};
