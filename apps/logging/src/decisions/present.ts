// What routers hold now: the catalog and the policies, followed over the bus, so that kept decisions can be planned again against them.
import { WaystationError } from '@waystation/contracts';
import type { RoutingWorld } from '@waystation/routing';
import { watchCatalog, watchPolicies, type AppContext } from '@waystation/runtime';

/** Injection token. */
export const PRESENT = Symbol('waystation.logging.present');

export interface Present {
  /** @throws WaystationError `snapshot_stale` before the first complete revision of both */
  world(): RoutingWorld;
  close(): void;
}

export const openPresent = ({ bus, log }: Pick<AppContext<unknown>, 'bus' | 'log'>): Present => {
  const catalog = watchCatalog(bus, { log });
  const policies = watchPolicies(bus, { log });
  return {
    world() {
      if (!catalog.ready || !policies.ready)
        throw new WaystationError('snapshot_stale', 'No complete catalog has come yet. Try again in a moment.', {
          retryAfterMs: 1_000,
        });
      const { policies: known, ownKeys } = policies.current;
      return { catalog: catalog.current, policies: known, ownKeys };
    },
    close() {
      catalog.stop();
      policies.stop();
    },
  };
};
