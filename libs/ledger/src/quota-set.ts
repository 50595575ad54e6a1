// The quota set of a call: every quota window it meets, sorted by id, so that ingress and billing lock and name them in one order.
import type { KeyEntry, QuotaRef } from '@waystation/contracts';
import { windowStart, type QuotaWindow } from './quota-window.js';

const WINDOW_OF_RESET = { daily: 'day', weekly: 'week', monthly: 'month' } as const satisfies Record<
  string,
  QuotaWindow
>;

/** Id of the quota that is the workspace's credit balance. */
export const walletQuotaId = (workspaceId: string): string => `wallet:${workspaceId}`;

/** The order of quota ids everywhere: by code unit, which is what Postgres calls collation "C" for these ids. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

/** The window of a key's own limit: as its reset says, or for ever. */
export const keyLimitWindow = (key: Pick<KeyEntry, 'limitReset'>): QuotaWindow =>
  key.limitReset === undefined ? 'lifetime' : WINDOW_OF_RESET[key.limitReset];

/** The quotas that a call with this key meets at `nowMs`: the wallet always, the key's limit where it has one. */
export const quotaSetOf = (key: KeyEntry, nowMs: number): QuotaRef[] => {
  const quotas: QuotaRef[] = [
    {
      id: walletQuotaId(key.workspaceId),
      scope: 'wallet',
      scopeId: key.workspaceId,
      metric: 'usd',
      window: 'lifetime',
      windowStart: 0,
    },
  ];
  if (key.limit !== undefined) {
    const window = keyLimitWindow(key);
    const start = windowStart(window, nowMs);
    quotas.push({
      id: `key:${key.hash}:usd:${window}:${start}`,
      scope: 'key',
      scopeId: key.hash,
      metric: 'usd',
      window,
      windowStart: start,
      limit: key.limit,
      includeByok: key.includeByokInLimit,
    });
  }
  return quotas.sort(byId);
};
