// Re-rating: what an attempt was charged is brought to what another price asks for, as one more revision. What it costs less goes back to the customer; what it
// costs more is taken from free credit and never from a lease, since what a lease holds belongs to calls that are under way.
import { NOTHING } from './amounts.js';
import { NO_CHARGE, type Book } from './book.js';
import { decideSettlement, type Charged, type Settlement } from './decide-settlement.js';
import { surchargeAccountOf } from './surcharge.js';

/**
 * The next revision of an attempt that was charged; of zero where the other price comes to the same, so that the charge names it. None where nothing was charged.
 * The working set holds charge, lease and quotas.
 */
export const decideRerate = (book: Book, settlement: Omit<Settlement, 'requests' | 'tokens'>): Charged | undefined => {
  const { attemptId, workspaceId, provider } = settlement;
  const before = book.charges.get(attemptId) ?? NO_CHARGE;
  if (before === NO_CHARGE) return undefined;
  // Another price changes no count.
  const { requests, tokens } = before.charged;
  return (
    decideSettlement(book, { ...settlement, requests, tokens, fromCreditOnly: true }) ?? {
      ...{ type: 'charged', attemptId, revision: before.revision + 1, workspaceId, provider, quotaIds: [] },
      ...{ fromLease: NOTHING, fromCredit: NOTHING, booked: NOTHING, waste: 0n, variance: 0n, byok: 0n },
      ...{ surcharge: 0n, surchargeTo: surchargeAccountOf(settlement.decision.payer === 'byok') },
    }
  );
};
