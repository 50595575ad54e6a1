// Re-rating, one line a case: back to the customer, or from free credit, or variance; never from a lease.
import { NOTHING, type Amounts } from './amounts.js';
import { emptyBook, entriesOf, evolve, newWallet, type Book } from './book.js';
import type { ChargeDecision } from './decide-charge.js';
import { decideRerate } from './decide-rerate.js';

const usd = (amount: bigint): Amounts => ({ ...NOTHING, usd: amount });
/** Beside money, which another price leaves alone. */
const COUNTED = { requests: 1n, tokens: 12n };

/** An attempt that was charged 30, of a lease that has 70 left and has not told its quotas yet. */
const bookOf = (free: bigint): Book => {
  const book = emptyBook();
  book.quotas.set('wallet:w', { ...newWallet('w'), limit: free + 100n, held: 100n });
  book.leases.set('l', {
    ...{ id: 'l', workspaceId: 'w', keyHash: 'k', instance: 'i', quotaIds: ['wallet:w'] },
    ...{ granted: usd(100n), held: usd(70n), unbooked: usd(30n), closed: false },
    ...{ takeForMs: 1, endsAtMs: 1, final: false, lastReleased: NOTHING },
  });
  book.charges.set('t', {
    revision: 0,
    charged: { ...usd(30n), ...COUNTED },
    waste: 0n,
    variance: 0n,
    byok: 0n,
    surcharge: 0n,
  });
  return book;
};
const rerate = (book: Book, decision: Omit<ChargeDecision, 'policyRow'>, attemptId = 't') =>
  decideRerate(book, {
    ...{ attemptId, workspaceId: 'w', provider: 'p', leaseId: 'l', quotaSet: ['wallet:w'] },
    decision: { ...decision, policyRow: 'completed' },
  });

test.each<[string, bigint, Omit<ChargeDecision, 'policyRow'>, object]>([
  ['less goes back to credit', 0n, { amount: 20n, payer: 'credits' }, { fromCredit: usd(-10n), booked: usd(30n) }],
  ['more comes from free credit', 50n, { amount: 45n, payer: 'credits' }, { fromCredit: usd(15n) }],
  ['what is not free is variance', 5n, { amount: 45n, payer: 'credits' }, { fromCredit: usd(5n), variance: 10n }],
  ['beyond the hold is variance', 50n, { amount: 30n, payer: 'credits', variance: 7n }, { variance: 7n }],
  ['the same is a revision of nothing', 50n, { amount: 30n, payer: 'credits' }, {}],
])('%s', (_name, free, decision, expected) => {
  const book = bookOf(free);
  const event = rerate(book, decision);
  const nothing = {
    fromLease: NOTHING,
    fromCredit: NOTHING,
    booked: NOTHING,
    waste: 0n,
    variance: 0n,
    byok: 0n,
    surcharge: 0n,
  };
  expect(event).toMatchObject({ revision: 1, ...nothing, ...expected });
  if (event === undefined) return;
  evolve(book, event);
  const wallet = book.quotas.get('wallet:w');
  expect(book.leases.get('l')?.held).toEqual(usd(70n));
  expect((wallet?.posted ?? 0n) + (wallet?.held ?? 0n) <= (wallet?.limit ?? 0n)).toBe(true);
  expect(book.charges.get('t')).toMatchObject({ revision: 1, charged: COUNTED });
  const owed = entriesOf(event).reduce(
    (sum, { credit, amount }) => sum + (credit === 'payable:p' ? amount : -amount),
    0n,
  );
  expect(owed).toBe(event.fromCredit.usd + event.waste + event.variance);
});

test('an attempt that was never charged has nothing to correct', () => {
  expect(rerate(bookOf(50n), { amount: 45n, payer: 'credits' }, 'unknown')).toBeUndefined();
});
