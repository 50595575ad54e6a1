// What a generation teaches about where its conversation is at home. Pure.
import { BUCKETS, ERRORS, type RoutePlanReply } from '@waystation/contracts';
import type { AttemptRecord } from '../generate/generation.js';

export type AffinityChange =
  /** It was served here: what the provider has cached of it is here now. */
  | { readonly kind: 'put'; readonly model: string; readonly endpointId: string }
  /** Back to where its hash leads. */
  | { readonly kind: 'delete'; readonly model: string };

/** An override that is told again before so much of its life is over changes nothing. */
const RENEW_AFTER_MS = BUCKETS.affinity.ttlMs / 2;

/** That the endpoint could not, not that the client left or asked for what cannot be. */
const isFault = ({ errorCode, dispatched }: AttemptRecord): boolean =>
  dispatched && errorCode !== undefined && ERRORS[errorCode].fault === 'provider';

export const affinityChange = (
  plan: RoutePlanReply | undefined,
  attempts: readonly AttemptRecord[],
  served: AttemptRecord | undefined,
  nowMs: number,
): AffinityChange | undefined => {
  const hasFailed = (endpointId: string): boolean =>
    attempts.some((attempt) => attempt.planned.endpointId === endpointId && isFault(attempt));
  for (const { model, home, override } of plan?.affinity ?? []) {
    const at = served?.planned.model === model ? served.planned.endpointId : undefined;
    if (at !== undefined && at !== home && !hasFailed(at)) {
      const stands = override?.endpointId === at && nowMs - override.at < RENEW_AFTER_MS;
      return stands ? undefined : { kind: 'put', model, endpointId: at };
    }
    if (override !== undefined && (at === home || hasFailed(override.endpointId))) return { kind: 'delete', model };
  }
  return undefined;
};
