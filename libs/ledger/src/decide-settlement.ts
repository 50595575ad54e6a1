// Booking what an attempt came to. The first booking takes from its lease; what the lease no longer has is taken from what is free, and money that is not
// free goes to `variance`, never below zero; counts that are not free are not counted, never above a limit. A later, better figure books the difference as one
// more revision.
import { NOTHING, PARTS, fitsInto, isNothing, mapParts, minus, plus, smaller, type Amounts } from './amounts.js';
import { NO_CHARGE, type Book, type LedgerEvent } from './book.js';
import { creditsOf, type ChargeDecision } from './decide-charge.js';
import { freeFor } from './decide-lease.js';
import { walletQuotaId } from './quota-set.js';
import { surchargeAccountOf } from './surcharge.js';

export interface Settlement {
  readonly attemptId: string;
  readonly workspaceId: string;
  readonly provider: string;
  readonly leaseId?: string | undefined;
  /** The quotas of the attempt, where its lease is not known. */
  readonly quotaSet: readonly string[];
  readonly decision: ChargeDecision;
  /** What it counts for beside money: 1 for the attempt that stands for its generation's request, and the tokens used, as far as they were held for. */
  readonly requests: bigint;
  readonly tokens: bigint;
  /** Nothing is taken from the lease: what is due more comes from free credit. */
  readonly fromCreditOnly?: boolean;
}

export type Charged = Extract<LedgerEvent, { type: 'charged' }>;

/** What the quotas of an attempt are to be told in all. */
const targetOf = ({ decision, requests, tokens }: Settlement): Amounts => ({
  usd: creditsOf(decision),
  byok: decision.payer === 'byok' ? decision.amount : 0n,
  requests,
  tokens,
});

/**
 * The event that brings the attempt from what is booked to what is decided: always one where nothing was booked yet (it may be of zero),
 * none where nothing changes. The working set holds the charge and lease, and the quotas where `touchesQuotas` says so.
 */
export const decideSettlement = (book: Book, settlement: Settlement): Charged | undefined => {
  const { attemptId, workspaceId, provider, leaseId, decision } = settlement;
  const before = book.charges.get(attemptId) ?? NO_CHARGE;
  const lease = leaseId === undefined ? undefined : book.leases.get(leaseId);
  const quotaIds = (lease?.quotaIds ?? settlement.quotaSet).filter((id) => book.quotas.has(id));
  const quotas = quotaIds.flatMap((id) => book.quotas.get(id) ?? []);

  const due = minus(targetOf(settlement), before.charged);
  const leaseHas = lease === undefined || lease.closed || settlement.fromCreditOnly === true ? NOTHING : lease.held;
  const fromLease = mapParts((part) =>
    due[part] <= 0n ? 0n : due[part] < leaseHas[part] ? due[part] : leaseHas[part],
  );
  const rest = minus(due, fromLease);
  const hasWallet = quotaIds.includes(walletQuotaId(workspaceId));
  // What goes back makes room first; then each part takes what the parts before it left in the quotas that count both.
  let fromCredit = smaller(rest, NOTHING);
  for (const part of PARTS) {
    if (rest[part] <= 0n || (part === 'usd' && !hasWallet)) continue;
    const free = freeFor(quotas, part, fromCredit) ?? 0n;
    fromCredit = { ...fromCredit, [part]: rest[part] < free ? rest[part] : free > 0n ? free : 0n };
  }

  const waste = (decision.payer === 'waste' ? decision.amount : 0n) - before.waste;
  const byok = (decision.payer === 'byok' ? decision.amount : 0n) - before.byok;
  const variance = (decision.variance ?? 0n) + (rest.usd - fromCredit.usd) - before.variance;
  const surcharge = (decision.surcharge ?? 0n) - before.surcharge;
  const isRefund = !fitsInto(NOTHING, fromCredit);
  const booked = isRefund ? (lease?.unbooked ?? NOTHING) : NOTHING;

  const counts = !(isNothing(fromLease) && isNothing(fromCredit));
  const changes = counts || waste !== 0n || variance !== 0n || byok !== 0n || surcharge !== 0n;
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
    surcharge,
    surchargeTo: surchargeAccountOf(decision.payer === 'byok'),
  };
};

/** Leases whose quotas a batch of settlements may touch: closed ones, those that are asked for more than they hold, and those of corrections. */
export const touchesQuotas = (book: Book, settlements: readonly Settlement[]): Settlement[] => {
  const asked = new Map<string, Amounts>();
  for (const settlement of settlements) {
    const { leaseId } = settlement;
    if (leaseId !== undefined) asked.set(leaseId, plus(asked.get(leaseId) ?? NOTHING, targetOf(settlement)));
  }
  return settlements.filter((settlement) => {
    const { attemptId, leaseId } = settlement;
    if (book.charges.has(attemptId)) return true;
    const lease = leaseId === undefined ? undefined : book.leases.get(leaseId);
    if (lease === undefined || lease.closed) return !isNothing(targetOf(settlement));
    return !fitsInto(asked.get(lease.id) ?? NOTHING, lease.held);
  });
};
