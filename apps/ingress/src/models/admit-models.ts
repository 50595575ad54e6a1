// Which models a caller can use: those with an endpoint that its workspace, guardrails and key admit, and that it can be asked with some key. Pure.
import type { Identity, PolicyEntry } from '@waystation/contracts';
import { mergeRules, refusedBy, rulesOfPolicy } from '@waystation/policy';
import { canBeAsked, type OwnKeysOfWorkspace } from '@waystation/routing';
import type { ListedModel } from './model-info.js';

/** Whose calls they would be. */
export interface ModelUser {
  readonly identity: Pick<Identity, 'keyHash' | 'memberId'>;
  /** Of its workspace. */
  readonly ownKeys: OwnKeysOfWorkspace | undefined;
}

export const admitModels = (
  models: readonly ListedModel[],
  policies: readonly PolicyEntry[],
  { identity, ownKeys }: ModelUser,
): ListedModel[] => {
  const rules = mergeRules(policies.map(rulesOfPolicy));
  return models.filter(({ routes }) =>
    routes.some(
      (route) =>
        route.unusable === undefined && refusedBy(rules, route) === undefined && canBeAsked(route, ownKeys, identity),
    ),
  );
};
