// A shortage as the client is told it: which quota, what was asked, what is left, when it resets, and whether waiting helps.
import type { LeaseRefusal } from '@waystation/contracts';
import type { QuotaState } from './book.js';
import type { Shortage } from './decide-lease.js';
import { windowEnd } from './quota-window.js';

/** Rates are refused as rates: waiting always helps, if only until the window is over. */
const codeOf = ({ metric, scope }: QuotaState, comesBack: boolean): LeaseRefusal['code'] => {
  if (metric !== 'usd') return 'rate_limited';
  if (comesBack) return 'in_flight';
  return scope === 'wallet' ? 'insufficient_credits' : 'limit_exceeded';
};

/** Whether what is held of the quota would be enough if it came back unused. `unbooked`: as below. */
export const mayComeBack = ({ quota, asked }: Shortage, unbooked: bigint): boolean =>
  asked <= quota.limit - quota.posted - unbooked;

/**
 * `unbooked`: what open leases have spent of this quota without its having been told; it counts as held, but cannot come back.
 * What else is held may come back unused: if that would be enough, the caller is told to come again.
 */
export const refusalOf = (
  shortage: Shortage,
  unbooked: bigint,
  nowMs: number,
  comesBackAfterMs: number,
): LeaseRefusal => {
  const { quota, asked, left } = shortage;
  const comesBack = mayComeBack(shortage, unbooked);
  const resetsAt = windowEnd(quota.window, quota.windowStart);
  const code = codeOf(quota, comesBack);
  const retryAfterMs = comesBack
    ? comesBackAfterMs
    : code === 'rate_limited' && resetsAt !== undefined
      ? Math.max(0, resetsAt - nowMs)
      : undefined;
  return {
    code,
    quotaId: quota.id,
    scope: quota.scope,
    ...(quota.scope === 'guardrail' ? { guardrailId: quota.scopeId } : {}),
    metric: quota.metric,
    window: quota.window,
    asked: asked.toString(),
    left: left.toString(),
    ...(quota.scope === 'wallet' ? {} : { limit: quota.limit.toString() }),
    ...(resetsAt === undefined ? {} : { resetsAt }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
};
