// The models that could serve a request at all: those with an endpoint that no hard rule of workspace, guardrails, request and task rule speaks against. Pure.
import type { ProviderPreferences, RouteFeatures } from '@waystation/contracts';
import type { PolicyRules } from '@waystation/policy';
import { narrow, rulesOfPreferences } from '@waystation/policy';
import { buildRoutingIndex, demandOf, excludeEndpoint, type RoutingIndex } from '@waystation/routing';
import type { CatalogSnapshot } from '@waystation/runtime';
import type { Candidate } from '@waystation/tasks';

/** Softly required elsewhere, where the client named the model; who chooses one takes one that can. */
const NEEDED = ['tools', 'response_format'];

/** Per snapshot, since a snapshot never changes. */
const indexes = new WeakMap<CatalogSnapshot, RoutingIndex>();
const indexOf = (catalog: CatalogSnapshot): RoutingIndex => {
  const known = indexes.get(catalog) ?? buildRoutingIndex(catalog);
  indexes.set(catalog, known);
  return known;
};

export const candidatesFor = (
  catalog: CatalogSnapshot,
  policy: PolicyRules,
  preferences: ProviderPreferences,
  features: RouteFeatures,
): Candidate[] => {
  const demand = demandOf(preferences, features, narrow(policy, rulesOfPreferences(preferences)));
  const needed = NEEDED.filter((name) => features.parameters.includes(name));
  const candidates: Candidate[] = [];
  for (const [model, routes] of indexOf(catalog).byModel) {
    let price: bigint | undefined;
    for (const route of routes) {
      if (price !== undefined && route.blendedPrice >= price) continue;
      if (!needed.every((name) => route.supported.has(name)) || excludeEndpoint(route, demand) !== undefined) continue;
      if (route.attempt.context < features.inputTokensEstimate) continue;
      price = route.blendedPrice;
    }
    if (price !== undefined) candidates.push({ model, price });
  }
  return candidates;
};
