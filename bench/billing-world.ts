// Who calls in the benchmark of billing: 200 keys of 20 workspaces, each key with a daily limit and a lease that the backlog is spent from.
import type { LeaseGrantRequest, QuotaRef } from '../libs/contracts/src/index.ts';

export const WORKSPACES = 20;
export const KEYS = 200;
/** Picodollars that nobody here will ever spend. */
export const PLENTY = 10n ** 28n;
const DAY_MS = 86_400_000;

export const workspaceOf = (key: number): string => `bench-${key % WORKSPACES}`;
export const keyHashOf = (key: number): string => String(key).padStart(64, '0');
export const leaseOf = (key: number): string => `lease-backlog-${String(key).padStart(6, '0')}`;

export const walletOf = (workspaceId: string): QuotaRef => ({
  id: `wallet:${workspaceId}`,
  scope: 'wallet',
  scopeId: workspaceId,
  metric: 'usd',
  window: 'lifetime',
  windowStart: 0,
});

/** The key's own limit, and the wallet of its workspace. */
export const quotasOf = (key: number, nowMs: number): QuotaRef[] => {
  const windowStart = nowMs - (nowMs % DAY_MS);
  const limit: QuotaRef = {
    id: `key:${keyHashOf(key)}:usd:day:${windowStart}`,
    scope: 'key',
    scopeId: keyHashOf(key),
    metric: 'usd',
    window: 'day',
    windowStart,
    limit: PLENTY.toString(),
  };
  return [limit, walletOf(workspaceOf(key))];
};

export const grantFor = (
  key: number,
  leaseId: string,
  quotas: QuotaRef[],
  usd: bigint,
): LeaseGrantRequest & { kind: 'grant' } => {
  const amount = { usd: usd.toString(), requests: 0, tokens: 0 };
  const who = { instance: 'ingress-bench', workspaceId: workspaceOf(key), keyHash: keyHashOf(key) };
  return { kind: 'grant', v: 1, leaseId, ...who, quotas, need: amount, want: amount };
};
