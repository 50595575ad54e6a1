// Whether rules admit an endpoint, and if not, the one rule to name. The order of the checks is the order of the answer: what a person set first, prices last.
import type { ExclusionRule, ZdrGroup } from '@waystation/contracts';
import type { PolicyRules, PriceKind } from './policy.js';

/** What rules look at. Names in lower case. */
export interface PolicyCandidate {
  readonly model: string;
  /** Every name that a list may use for it: slug, tag, display name. */
  readonly providerNames: readonly string[];
  readonly retains: boolean;
  readonly trains: boolean;
  readonly region: string | undefined;
}

export const namesAny = (list: ReadonlySet<string>, names: readonly string[]): boolean => {
  for (const name of names) if (list.has(name)) return true;
  return false;
};

/** By the part of a model's id that says whose it is. */
const GROUP_OF_AUTHOR: ReadonlyMap<string, ZdrGroup> = new Map([
  ['anthropic', 'anthropic'],
  ['openai', 'openai'],
  ['google', 'google'],
  ['x-ai', 'xai'],
]);

/** `model`: in lower case. */
export const zdrGroupOf = (model: string): ZdrGroup =>
  GROUP_OF_AUTHOR.get(model.slice(model.startsWith('~') ? 1 : 0, Math.max(0, model.indexOf('/')))) ?? 'other';

/** The rule that keeps the endpoint out, or undefined. */
export const refusedBy = (rules: PolicyRules, candidate: PolicyCandidate): ExclusionRule | undefined => {
  for (const list of rules.allowedModels) if (!list.has(candidate.model)) return 'allowed_models';
  if (rules.ignoredModels.size > 0 && rules.ignoredModels.has(candidate.model)) return 'allowed_models';
  for (const list of rules.allowedProviders) if (!namesAny(list, candidate.providerNames)) return 'allowed_providers';
  if (rules.ignoredProviders.size > 0 && namesAny(rules.ignoredProviders, candidate.providerNames)) return 'ignored';
  if (candidate.retains && (rules.zdr || rules.zdrGroups.has(zdrGroupOf(candidate.model)))) return 'data_policy:zdr';
  if (rules.denyDataCollection && (candidate.trains || candidate.retains)) return 'data_policy:training';
  for (const list of rules.regions)
    if (candidate.region === undefined || !list.has(candidate.region)) return 'data_region';
  return undefined;
};

/** The first kind of price that is above its ceiling, or undefined. */
export const priceAboveCeiling = (rules: PolicyRules, priceOf: (kind: PriceKind) => bigint): PriceKind | undefined => {
  // One by one and not in a loop over their names, which would be looked up for every endpoint.
  const { prompt, completion, request, image, audio } = rules.priceCeiling;
  if (prompt !== undefined && priceOf('prompt') > prompt) return 'prompt';
  if (completion !== undefined && priceOf('completion') > completion) return 'completion';
  if (request !== undefined && priceOf('request') > request) return 'request';
  if (image !== undefined && priceOf('image') > image) return 'image';
  if (audio !== undefined && priceOf('audio') > audio) return 'audio';
  return undefined;
};
