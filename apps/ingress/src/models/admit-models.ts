// Which models a caller can use: those with an endpoint that its workspace, guardrails and key admit, and that there is a credential for. Pure.
import type { PolicyEntry } from '@waystation/contracts';
import { mergeRules, refusedBy, rulesOfPolicy } from '@waystation/policy';
import type { ListedModel } from './model-info.js';

export const admitModels = (models: readonly ListedModel[], policies: readonly PolicyEntry[]): ListedModel[] => {
  const rules = mergeRules(policies.map(rulesOfPolicy));
  return models.filter(({ routes }) =>
    routes.some((route) => route.unusable === undefined && refusedBy(rules, route) === undefined),
  );
};
