// Promotional credits, one line a case.
import { emptyBook, entriesOf, evolve, type Book, type LedgerEvent } from './book.js';
import { decideCreditGrant } from './decide-credits.js';
import { OPEN_LOTS_MAX, decidePromoExpiry, decidePromoGrant, promotionalOf } from './decide-promo.js';
import { foldBalances, type Entry } from './entry.js';
import { remainingOf } from './promo.js';

const NOW = 1_000;

interface World {
  readonly book: Book;
  readonly entries: Entry[];
  apply(events: readonly LedgerEvent[]): void;
  use(change: { posted?: bigint; held?: bigint }): void;
}
const world = (): World => {
  const book = emptyBook();
  const entries: Entry[] = [];
  return {
    book,
    entries,
    apply(events) {
      for (const event of events) {
        evolve(book, event);
        entries.push(...entriesOf(event));
      }
    },
    use(change) {
      const wallet = book.quotas.get('wallet:w');
      if (wallet) book.quotas.set(wallet.id, { ...wallet, ...change });
    },
  };
};
const grant = ({ book, apply }: World, lotId: string, amount: bigint, expiresAtMs: number, unbooked = 0n) => {
  const { events, answer } = decidePromoGrant(book, {
    lotId,
    workspaceId: 'w',
    amount,
    expiresAtMs,
    nowMs: NOW,
    unbooked,
  });
  apply(events);
  return answer;
};
const expire = ({ book, apply }: World, nowMs: number, unbooked = 0n): number => {
  const events = decidePromoExpiry(book, { workspaceId: 'w', nowMs, unbooked });
  apply(events);
  return events.length;
};
const left = ({ book }: World): Record<string, bigint> =>
  Object.fromEntries([...book.lots.values()].map((lot) => [lot.lotId, remainingOf(lot)]));

test('a lot is credit like any other, and its account says what of it can expire', () => {
  const made = world();
  grant(made, 'a', 100n, 5_000);
  expect(made.book.quotas.get('wallet:w')?.limit).toBe(100n);
  expect(made.entries).toEqual([
    { kind: 'promo-grant', debit: 'promo:w:a', credit: 'credits:w', amount: 100n, workspaceId: 'w' },
  ]);
});

test('what is spent comes out of the lot that expires first, whichever was given first', () => {
  const made = world();
  grant(made, 'late', 100n, 9_000);
  grant(made, 'early', 100n, 5_000);
  made.use({ posted: 130n });
  grant(made, 'third', 1n, 99_000);
  expect(left(made)).toEqual({ early: 0n, late: 70n, third: 1n });
  const balances = foldBalances(made.entries);
  expect([balances.get('granted'), balances.get('promo:w:late'), balances.get('credits:w')]).toEqual([
    -130n,
    -70n,
    201n,
  ]);
});

test('what was spent before a lot was given is not spent from it', () => {
  const made = world();
  made.apply(decideCreditGrant(made.book, { grantId: 'g', workspaceId: 'w', amount: 500n }).events);
  made.use({ posted: 300n });
  grant(made, 'a', 100n, 5_000);
  expect(promotionalOf(made.book, 'w', 0n)).toBe(100n);
  made.use({ posted: 330n });
  expect(promotionalOf(made.book, 'w', 0n)).toBe(70n);
  expect(promotionalOf(made.book, 'w', 5n)).toBe(65n);
});

test('what is given back by a correction is not spent from a lot twice', () => {
  const made = world();
  grant(made, 'a', 100n, 5_000);
  made.use({ posted: 40n });
  grant(made, 'b', 10n, 6_000);
  made.use({ posted: 10n });
  expire(made, 4_999);
  made.use({ posted: 40n });
  expect(promotionalOf(made.book, 'w', 0n)).toBe(70n);
});

test.each([
  ['nothing before its time', 4_999, 0n, 0n, { a: 100n, b: 50n }, 150n],
  ['all of it where nothing is used', 5_000, 0n, 0n, { a: 0n, b: 50n }, 50n],
  ['what is not spent', 5_000, 30n, 0n, { a: 0n, b: 50n }, 80n],
  ['what is neither spent nor held', 5_000, 30n, 20n, { a: 20n, b: 50n }, 100n],
  ['nothing where all is held', 5_000, 0n, 120n, { a: 100n, b: 50n }, 150n],
  ['of each lot in turn, the first protected first', 6_000, 0n, 120n, { a: 100n, b: 20n }, 120n],
])('an expiry takes %s', (_name, nowMs, posted, held, lots, limit) => {
  const made = world();
  grant(made, 'a', 100n, 5_000);
  grant(made, 'b', 50n, 6_000);
  made.use({ posted, held });
  expire(made, nowMs);
  expect(left(made)).toEqual(lots);
  expect(made.book.quotas.get('wallet:w')?.limit).toBe(limit);
  expect(expire(made, nowMs)).toBe(0);
});

test('what is held when a lot expires goes back when it comes back, and what is left of it only shrinks', () => {
  const made = world();
  made.apply(decideCreditGrant(made.book, { grantId: 'g', workspaceId: 'w', amount: 500n }).events);
  grant(made, 'a', 100n, 5_000);
  made.use({ held: 30n });
  expire(made, 5_000);
  expect(left(made)).toEqual({ a: 30n });
  made.use({ held: 400n });
  expect([expire(made, 6_000), left(made)]).toEqual([0, { a: 30n }]);
  made.use({ held: 10n });
  expire(made, 7_000);
  expect(left(made)).toEqual({ a: 10n });
  made.use({ held: 0n, posted: 10n });
  expire(made, 8_000);
  expect(left(made)).toEqual({ a: 0n });
  expect(made.book.quotas.get('wallet:w')?.limit).toBe(510n);
});

test('what a chargeback took does not expire besides', () => {
  const made = world();
  grant(made, 'a', 100n, 5_000);
  const wallet = made.book.quotas.get('wallet:w');
  if (wallet) made.book.quotas.set(wallet.id, { ...wallet, limit: 40n });
  expire(made, 5_000);
  expect(made.book.quotas.get('wallet:w')?.limit).toBe(0n);
  expect(left(made)).toEqual({ a: 60n });
});

test.each([
  ['the same grant again is the same grant', { amount: 100n, expiresAtMs: 5_000 }, undefined],
  ['another amount under its id is a conflict', { amount: 101n, expiresAtMs: 5_000 }, 'conflict'],
  ['another expiry under its id is a conflict', { amount: 100n, expiresAtMs: 5_001 }, 'conflict'],
  ['nothing is no grant', { lotId: 'b', amount: 0n, expiresAtMs: 5_000 }, 'invalid_request'],
  ['an expiry in the past is refused', { lotId: 'b', amount: 1n, expiresAtMs: NOW }, 'invalid_request'],
])('%s', (_name, changes, code) => {
  const made = world();
  grant(made, 'a', 100n, 5_000);
  const { events, answer } = decidePromoGrant(made.book, {
    ...{ lotId: 'a', workspaceId: 'w', nowMs: NOW, unbooked: 0n },
    ...changes,
  });
  expect([events, answer.rejected?.code]).toEqual([[], code]);
});

test('a workspace has a bounded number of lots that are not used up', () => {
  const made = world();
  for (let each = 0; each < OPEN_LOTS_MAX; each += 1) grant(made, `l-${each}`, 1n, 5_000);
  expect(grant(made, 'one-more', 1n, 5_000).rejected?.code).toBe('conflict');
  made.use({ posted: 1n });
  expire(made, 4_999);
  expect(grant(made, 'one-more', 1n, 5_000).rejected?.code).toBe('conflict');
});
