// Billing over the bus, as a lease pool sees it. A question that got no answer is asked once more under the same id: it is idempotent.
import type { Bus } from '@waystation/bus';
import { LeaseGrant, LeaseRenew, LeaseReturn, toWaystationError, WaystationError } from '@waystation/contracts';
import { toVector } from './amounts.js';
import type { LeaseBank } from './lease-pool.js';

/** While the bus is away nobody waits longer than this: callers are told within a second. Nor where NATS stands still and nobody has noticed yet. */
const TIMEOUT_AWAY_MS = 800;
/** Billing answers in milliseconds. After so long in silence NATS itself is asked whether it is there. */
const PING_MS = 200;
const TIMEOUT_MS = 3_000;

export const leaseBankOver = (bus: Bus): LeaseBank => {
  const ask = async <Reply>(question: (timeoutMs: number) => Promise<Reply>): Promise<Reply> => {
    const connected = bus.state === 'connected';
    try {
      return await question(TIMEOUT_AWAY_MS);
    } catch (thrown) {
      const error = toWaystationError(thrown);
      if (!connected || error.code !== 'deadline_exceeded') throw error;
      if (!(await bus.answersWithin(PING_MS)))
        throw new WaystationError('bus_unavailable', 'NATS does not answer; try again.', { cause: error });
      return await question(TIMEOUT_MS);
    }
  };
  return {
    grant: (leaseId, set, need, want) =>
      ask((timeoutMs) =>
        bus.request(
          LeaseGrant,
          {
            v: 1,
            leaseId,
            instance: bus.instance,
            workspaceId: set.workspaceId,
            keyHash: set.keyHash,
            quotas: set.quotas,
            need: toVector(need),
            want: toVector(want),
          },
          { timeoutMs },
        ),
      ),
    renew: (leaseId, step, need, want) =>
      ask((timeoutMs) =>
        bus.request(LeaseRenew, { v: 1, leaseId, step, need: toVector(need), want: toVector(want) }, { timeoutMs }),
      ),
    giveBack: async (leaseId, step, keep, final) => {
      await bus
        .request(LeaseReturn, { v: 1, leaseId, step, keep: toVector(keep), final }, { timeoutMs: TIMEOUT_MS })
        .catch((thrown: unknown) => {
          // A grant that never arrived has nothing to give back.
          if (toWaystationError(thrown).code !== 'not_found') throw thrown;
        });
    },
  };
};
