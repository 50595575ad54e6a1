// All leases of this ingress: one pool per quota set, made when it is first met and dropped when nothing is left of it.
import { WaystationError } from '@waystation/contracts';
import type { Amounts } from './amounts.js';
import { LeasePool, type Hold, type PoolDeps, type QuotaSet, type Refused } from './lease-pool.js';

/** Quota sets with a lease at one time. */
const POOLS_MAX = 20_000;

export interface LeaseCache {
  take(set: QuotaSet, need: Amounts, grows?: boolean): Hold | Promise<Hold | Refused>;
  recall(leaseIds: readonly string[]): void;
  /** Called a few times a second. */
  tick(): void;
  /** Gives everything back; for shutdown. */
  drain(): Promise<void>;
  readonly openHolds: number;
}

export const createLeaseCache = (deps: PoolDeps): LeaseCache => {
  const pools = new Map<string, LeasePool>();

  const poolOf = (set: QuotaSet): LeasePool => {
    const known = pools.get(set.id);
    known?.adopt(set);
    if (known !== undefined) return known;
    if (pools.size >= POOLS_MAX)
      throw new WaystationError('overloaded', 'This ingress serves as many keys as it can; try again.', {
        retryAfterMs: 1000,
      });
    const pool = new LeasePool(set, deps);
    pools.set(set.id, pool);
    return pool;
  };

  return {
    take: (set, need, grows) => poolOf(set).take(need, grows),
    recall(leaseIds) {
      for (const pool of pools.values()) for (const id of leaseIds) pool.recall(id);
    },
    tick() {
      for (const [id, pool] of pools) {
        pool.tick();
        if (pool.isEmpty) pools.delete(id);
      }
    },
    async drain() {
      await Promise.all([...pools.values()].map((pool) => pool.drain()));
    },
    get openHolds() {
      let count = 0;
      for (const pool of pools.values()) count += pool.openHolds;
      return count;
    },
  };
};
