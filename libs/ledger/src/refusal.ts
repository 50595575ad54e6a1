// A shortage as the client is told it: which quota, what was asked, what is left, when it resets, and whether waiting helps.
import type { LeaseRefusal } from '@waystation/contracts';
import type { Shortage } from './decide-lease.js';
import { windowEnd } from './quota-window.js';

/**
 * `unbooked`: what open leases have spent of this quota without its having been told; it counts as held, but cannot come back.
 * What else is held may come back unused: if that would be enough, the caller is told to come again.
 */
export const refusalOf = (shortage: Shortage, unbooked: bigint, retryAfterMs: number): LeaseRefusal => {
  const { quota, asked, left } = shortage;
  const mayComeBack = asked <= quota.limit - quota.posted - unbooked;
  const resetsAt = windowEnd(quota.window, quota.windowStart);
  return {
    code: mayComeBack ? 'in_flight' : quota.scope === 'wallet' ? 'insufficient_credits' : 'limit_exceeded',
    quotaId: quota.id,
    scope: quota.scope,
    metric: quota.metric,
    window: quota.window,
    asked: asked.toString(),
    left: left.toString(),
    ...(quota.scope === 'wallet' ? {} : { limit: quota.limit.toString() }),
    ...(resetsAt === undefined ? {} : { resetsAt }),
    ...(mayComeBack ? { retryAfterMs } : {}),
  };
};
