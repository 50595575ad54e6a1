// Booking what an attempt came to. The first booking takes from its lease; what the lease no longer has is taken from free credit, and what is not
// free there goes to `variance`, never below zero. A later, better figure books the difference as one more revision.
import { NO_CHARGE, type Book, type LedgerEvent } from './book.js';
import type { ChargeDecision } from './decide-charge.js';
import { freeIn } from './decide-lease.js';
import { walletQuotaId } from './quota-set.js';

export interface Settlement {
  readonly attemptId: string;
  readonly workspaceId: string;
  readonly provider: string;
  readonly leaseId?: string | undefined;
  /** The quotas of the attempt, where its lease is not known. */
  readonly quotaSet: readonly string[];
  readonly decision: ChargeDecision;
  /** Nothing is taken from the lease: what is due more comes from free credit. */
  readonly fromCreditOnly?: boolean;
}

export type Charged = Extract<LedgerEvent, { type: 'charged' }>;

/**
 * The event that brings the attempt from what is booked to what is decided: always one where nothing was booked yet (it may be of zero),
 * none where nothing changes. The working set holds the charge and lease, and the quotas where `touchesQuotas` says so.
 */
export const decideSettlement = (book: Book, settlement: Settlement): Charged | undefined => {
  const { attemptId, workspaceId, provider, leaseId, decision } = settlement;
  const before = book.charges.get(attemptId) ?? NO_CHARGE;
  const lease = leaseId === undefined ? undefined : book.leases.get(leaseId);
  const quotaIds = (lease?.quotaIds ?? settlement.quotaSet).filter((id) => book.quotas.has(id));

  const target = decision.payer === 'credits' ? decision.amount : 0n;
  const due = target - before.charged;
  const leaseHas = lease === undefined || lease.closed || settlement.fromCreditOnly === true ? 0n : lease.held;
  const fromLease = due <= 0n ? 0n : due < leaseHas ? due : leaseHas;
  const rest = due - fromLease;
  const hasWallet = quotaIds.includes(walletQuotaId(workspaceId));
  const free = rest > 0n && hasWallet ? freeIn(quotaIds.flatMap((id) => book.quotas.get(id) ?? [])) : 0n;
  const fromCredit = rest <= free ? rest : free;

  const waste = (decision.payer === 'waste' ? decision.amount : 0n) - before.waste;
  const byok = (decision.payer === 'byok' ? decision.amount : 0n) - before.byok;
  const variance = (decision.variance ?? 0n) + (rest - fromCredit) - before.variance;
  const booked = fromCredit < 0n ? (lease?.unbooked ?? 0n) : 0n;

  const changes = fromLease !== 0n || fromCredit !== 0n || waste !== 0n || variance !== 0n || byok !== 0n;
  if (before !== NO_CHARGE && !changes) return undefined;
  return {
    type: 'charged',
    attemptId,
    revision: before.revision + 1,
    workspaceId,
    provider,
    ...(lease === undefined ? {} : { leaseId: lease.id }),
    quotaIds,
    fromLease,
    fromCredit,
    booked,
    waste,
    variance,
    byok,
  };
};

/** Leases whose quotas a batch of settlements may touch: closed ones, those that are asked for more than they hold, and those of corrections. */
export const touchesQuotas = (book: Book, settlements: readonly Settlement[]): Settlement[] => {
  const asked = new Map<string, bigint>();
  for (const { leaseId, decision } of settlements) {
    if (leaseId !== undefined && decision.payer === 'credits')
      asked.set(leaseId, (asked.get(leaseId) ?? 0n) + decision.amount);
  }
  return settlements.filter(({ attemptId, leaseId, decision }) => {
    if (book.charges.has(attemptId)) return true;
    const lease = leaseId === undefined ? undefined : book.leases.get(leaseId);
    if (lease === undefined || lease.closed) return decision.payer === 'credits' && decision.amount > 0n;
    return (asked.get(lease.id) ?? 0n) > lease.held;
  });
};
