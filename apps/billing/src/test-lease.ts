// Leases for tests, granted as an ingress asks for them: all that is wanted is needed, on the wallet of a workspace unless other quotas are named.
import type { LeaseGrantRequest, QuotaRef } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { runLeaseCommands, type LaneAnswer } from './leases/lease-lane.js';
import { KEY_HASH } from './test-ledger.js';

export const walletOf = (workspaceId: string): QuotaRef => ({
  ...{ id: `wallet:${workspaceId}`, scope: 'wallet', scopeId: workspaceId, metric: 'usd' },
  ...{ window: 'lifetime', windowStart: 0 },
});

export interface AskedLease {
  readonly leaseId: string;
  readonly workspaceId: string;
  /** Picodollars. */
  readonly usd: bigint;
  readonly quotas?: readonly QuotaRef[];
  readonly requests?: number;
  readonly instance?: string;
}

export const leaseRequest = ({
  leaseId,
  workspaceId,
  usd,
  quotas,
  requests = 0,
  instance = 'ingress-1',
}: AskedLease): LeaseGrantRequest => {
  const amount = { usd: usd.toString(), requests, tokens: 0 };
  return {
    ...{ v: 1, leaseId, instance, workspaceId, keyHash: KEY_HASH },
    ...{ quotas: [...(quotas ?? [walletOf(workspaceId)])], need: amount, want: amount },
  };
};

/** What billing answers. */
export const askLease = async (database: Database, asked: AskedLease): Promise<LaneAnswer> => {
  const options = { takeForMsMax: 60_000, retryAfterMs: 1_000, now: Date.now };
  const [answer] = await runLeaseCommands(database, [{ kind: 'grant', ...leaseRequest(asked) }], options);
  if (answer === undefined) throw new Error(`nobody answered for lease ${asked.leaseId}`);
  return answer;
};

/** Its id. Throws where it is refused. */
export const grantLease = async (database: Database, asked: AskedLease): Promise<string> => {
  const answer = await askLease(database, asked);
  if (!('granted' in answer)) throw new Error(`lease ${asked.leaseId} was not granted: ${JSON.stringify(answer)}`);
  return asked.leaseId;
};
