// Whatever is given, leased, spent, corrected and expired, in whatever order: spending attributed late is spending attributed at once, earliest expiry first;
// an expiry takes exactly what is neither spent nor held; and no lot ever owes anything.
import fc from 'fast-check';
import { NOTHING, type Amounts } from './amounts.js';
import { emptyBook, entriesOf, evolve, type Book, type LedgerEvent } from './book.js';
import { decideCreditGrant } from './decide-credits.js';
import { decideLeaseClose, decideLeaseGrant, decideLeaseReturn } from './decide-lease.js';
import { decidePromoExpiry, decidePromoGrant, promotionalOf } from './decide-promo.js';
import { decideSettlement } from './decide-settlement.js';
import { foldBalances, type Entry } from './entry.js';
import { inOrder, remainingOf, type LotState } from './promo.js';
import { walletQuotaId } from './quota-set.js';

const W = 'w';
const WALLET = walletQuotaId(W);
const wallet = { id: WALLET, scope: 'wallet', scopeId: W, metric: 'usd', window: 'lifetime', windowStart: 0 } as const;
const amount = fc.bigInt({ min: 0n, max: 300n });
const id = fc.nat(4).map(String);

const command = fc.oneof(
  fc.record({
    kind: fc.constant('lot' as const),
    id: fc.nat(20).map(String),
    amount,
    lasts: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('credits' as const), id: fc.nat(2).map(String), amount }),
  fc.record({ kind: fc.constant('lease' as const), id, amount }),
  fc.record({ kind: fc.constant('return' as const), id, step: fc.nat(4), keep: amount }),
  fc.record({ kind: fc.constant('close' as const), id }),
  fc.record({ kind: fc.constant('settle' as const), id: fc.nat(9).map(String), lease: id, amount, late: fc.boolean() }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
);
type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

const unbookedOf = (book: Book): bigint =>
  [...book.leases.values()].filter(({ closed }) => !closed).reduce((sum, { unbooked }) => sum + unbooked.usd, 0n);
const heldOf = (book: Book): bigint =>
  [...book.leases.values()].filter(({ closed }) => !closed).reduce((sum, { held }) => sum + held.usd, 0n);
const spentOf = (book: Book): bigint => (book.quotas.get(WALLET)?.posted ?? 0n) + unbookedOf(book);

const credits = (amount: bigint): Amounts => ({ ...NOTHING, usd: amount });

const eventsFor = (book: Book, each: Command, nowMs: number): readonly LedgerEvent[] => {
  switch (each.kind) {
    case 'lot': {
      const lot = { lotId: each.id, workspaceId: W, amount: each.amount, expiresAtMs: nowMs + each.lasts };
      return decidePromoGrant(book, { ...lot, nowMs, unbooked: unbookedOf(book) }).events;
    }
    case 'credits':
      return decideCreditGrant(book, { grantId: each.id, workspaceId: W, amount: each.amount }).events;
    case 'lease':
      return decideLeaseGrant(
        book,
        {
          ...{ leaseId: `l-${each.id}`, workspaceId: W, keyHash: 'k', instance: 'i', quotas: [wallet] },
          ...{ need: credits(each.amount), want: credits(each.amount) },
        },
        { nowMs, takeForMsMax: 60_000 },
      ).events;
    case 'return':
      return decideLeaseReturn(book, {
        leaseId: `l-${each.id}`,
        step: each.step,
        keep: credits(each.keep),
        final: false,
      }).events;
    case 'close':
      return decideLeaseClose(book, `l-${each.id}`);
    case 'settle': {
      const event = decideSettlement(book, {
        ...{ attemptId: `t-${each.id}`, workspaceId: W, provider: 'p', quotaSet: [WALLET], requests: 0n, tokens: 0n },
        decision: { payer: 'credits', policyRow: 'completed', amount: each.amount },
        ...(each.late || !book.leases.has(`l-${each.lease}`) ? {} : { leaseId: `l-${each.lease}` }),
      });
      return event === undefined ? [] : [event];
    }
    case 'wait':
      return decidePromoExpiry(book, { workspaceId: W, nowMs, unbooked: unbookedOf(book) });
  }
};

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, each) => total + each, 0n);

/** Attributes at once what the ledger attributes late, and takes back at once what a correction gives back, as far as no lot began or ended since. */
const createEager = () => {
  const left = new Map<string, { readonly lot: LotState; remaining: bigint }>();
  const taken: { lotId: string | undefined; amount: bigint }[] = [];
  let last = 0n;
  let owed = 0n;
  const spend = (amount: bigint): void => {
    const paid = amount < owed ? amount : owed;
    owed -= paid;
    let rest = amount - paid;
    for (const { lotId } of inOrder([...left.values()].map(({ lot }) => lot))) {
      const each = left.get(lotId);
      if (each === undefined || rest === 0n) continue;
      const part = rest < each.remaining ? rest : each.remaining;
      each.remaining -= part;
      rest -= part;
      taken.push({ lotId, amount: part });
    }
    taken.push({ lotId: undefined, amount: rest });
  };
  const giveBack = (amount: bigint): void => {
    let rest = amount;
    for (let top = taken.pop(); top !== undefined; top = taken.pop()) {
      const part = rest < top.amount ? rest : top.amount;
      const lot = top.lotId === undefined ? undefined : left.get(top.lotId);
      if (lot !== undefined) lot.remaining += part;
      rest -= part;
      if (part < top.amount) return void taken.push({ ...top, amount: top.amount - part });
    }
    owed += rest;
  };
  return {
    left,
    spentIs(spent: bigint): void {
      if (spent > last) spend(spent - last);
      if (spent < last) giveBack(last - spent);
      last = spent;
    },
    lotBeganOrEnded: () => void taken.splice(0),
  };
};

test('after every command lots are what an attribution at once would leave, sums are zero, and expiry takes exactly the unspent and unheld part', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const book = emptyBook();
      const entries: Entry[] = [];
      const eager = createEager();
      let nowMs = 1_000;
      for (const each of commands) {
        if (each.kind === 'wait') nowMs += each.ms;
        const held = heldOf(book);
        const events = eventsFor(book, each, nowMs);
        for (const event of events) {
          evolve(book, event);
          entries.push(...entriesOf(event));
        }
        eager.spentIs(spentOf(book));
        if (events.some(({ type }) => type.startsWith('promo-'))) eager.lotBeganOrEnded();
        for (const event of events) {
          const lot = 'lotId' in event ? book.lots.get(event.lotId) : undefined;
          if (event.type === 'promo-granted' && lot) eager.left.set(event.lotId, { lot, remaining: event.amount });
          const known = event.type === 'promo-expired' ? eager.left.get(event.lotId) : undefined;
          if (event.type === 'promo-expired' && known) {
            expect(event.amount >= 0n && event.amount <= known.remaining).toBe(true);
            known.remaining -= event.amount;
          }
        }
        expect(promotionalOf(book, W, unbookedOf(book))).toBe(
          sum([...eager.left.values()].map(({ remaining }) => remaining)),
        );
        if (each.kind === 'wait' && events.length > 0)
          for (const [lotId, { remaining }] of eager.left) {
            const lot = book.lots.get(lotId);
            expect(lot && remainingOf(lot)).toBe(remaining);
          }

        const balances = foldBalances(entries);
        expect(sum(balances.values())).toBe(0n);
        const quota = book.quotas.get(WALLET);
        const credits = balances.get(`credits:${W}`) ?? 0n;
        expect(credits).toBe(quota === undefined ? 0n : quota.limit - quota.posted - quota.held);
        expect(credits >= 0n).toBe(true);
        for (const lot of book.lots.values()) {
          expect(remainingOf(lot) >= 0n && lot.spent >= 0n && lot.expired >= 0n).toBe(true);
          expect(-(balances.get(`promo:${W}:${lot.lotId}`) ?? 0n)).toBe(remainingOf(lot));
        }
        if (each.kind === 'wait') {
          const stays = sum(
            [...eager.left.values()].filter(({ lot }) => lot.expiresAtMs <= nowMs).map(({ remaining }) => remaining),
          );
          // No more stays than is held: all else went back; and nothing went back that was held.
          expect(stays <= held).toBe(true);
          const wentBack = sum(events.map((event) => (event.type === 'promo-expired' ? event.amount : 0n)));
          if (wentBack > 0n) expect(stays).toBe(held < stays + wentBack ? held : stays + wentBack);
          expect(eventsFor(book, each, nowMs)).toEqual([]);
        }
      }
    }),
    { numRuns: 500 },
  );
});
