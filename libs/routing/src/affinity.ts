// Where a conversation is at home: at the endpoint that its hash leads to, unless it was served elsewhere of late. What a provider has cached of it is there.
// Pure. An override never admits an endpoint that a rule excludes, nor puts one before a healthier one.
import { BUCKETS, type RoutePlanReply } from '@waystation/contracts';
import { cannotScoreBelow, hashText, rendezvousScore, uniformOf } from './rendezvous.js';
import type { Route } from './routing-index.js';

export interface Override {
  readonly endpointId: string;
  /** Unix ms. */
  readonly at: number;
}

/** What was told of conversations; an old entry may still be among it. */
export interface Overrides {
  of(workspaceId: string, model: string, conversation: string): Override | undefined;
}

export type Affinity = NonNullable<RoutePlanReply['affinity']>[number];

/** Undefined where there is nothing to choose from. */
export const affinityOf = (
  model: string,
  routes: readonly Route[],
  conversation: string,
  told: Override | undefined,
  nowMs: number,
): Affinity | undefined => {
  if (routes.length < 2) return undefined;
  const hash = hashText(conversation);
  let home: Route | undefined;
  let best = Infinity;
  for (const route of routes) {
    const uniform = uniformOf(hash, route);
    if (cannotScoreBelow(best, uniform, route.weight)) continue;
    const score = rendezvousScore(uniform, route.weight);
    if (score < best) {
      best = score;
      home = route;
    }
  }
  if (home === undefined) return undefined;
  const stands = told !== undefined && nowMs - told.at < BUCKETS.affinity.ttlMs;
  return {
    model,
    home: home.id,
    ...(stands ? { override: { endpointId: told.endpointId, at: told.at } } : {}),
  };
};
