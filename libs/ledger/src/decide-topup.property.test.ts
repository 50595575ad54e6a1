// Whatever is paid, spent, given back and disputed, in whatever order and however often: no cent is made or lost, and no order gives back more than it brought.
import fc from 'fast-check';
import { NOTHING, type Amounts } from './amounts.js';
import { emptyBook, entriesOf, evolve, type Book, type LedgerEvent } from './book.js';
import { decideLeaseClose, decideLeaseGrant } from './decide-lease.js';
import { decideSettlement } from './decide-settlement.js';
import {
  decideChargeback,
  decideChargebackReversal,
  decideOutsideRefund,
  decideRefund,
  decideRefundFailure,
  decideTopUp,
  refundableOf,
} from './decide-topup.js';
import { foldBalances, type Entry } from './entry.js';
import { leftOf } from './payment.js';
import { walletQuotaId } from './quota-set.js';
import { DEFAULT_FEE_POLICY, fromCents, topUpFeeCents } from './topup-fee.js';

const W = 'w';
const wallet = { scope: 'wallet', scopeId: W, metric: 'usd', window: 'lifetime', windowStart: 0 } as const;
const cents = fc.bigInt({ min: 0n, max: 5_000n });
const order = fc.nat(2).map((id) => `top-${id}`);
const id = fc.nat(3).map(String);

const command = fc.oneof(
  fc.record({ kind: fc.constant('pay' as const), order, cents }),
  fc.record({
    kind: fc.constant('refund' as const),
    order,
    id,
    cents: fc.option(cents, { nil: undefined }),
    policy: fc.constantFrom('never' as const, 'proportional' as const),
  }),
  fc.record({ kind: fc.constant('refund-fails' as const), order, id }),
  fc.record({ kind: fc.constant('outside' as const), order, id, cents }),
  fc.record({ kind: fc.constant('dispute' as const), order, id, cents }),
  fc.record({ kind: fc.constant('won' as const), order, id }),
  fc.record({ kind: fc.constant('lease' as const), id, cents }),
  fc.record({ kind: fc.constant('close' as const), id }),
  fc.record({ kind: fc.constant('settle' as const), id, cents, late: fc.boolean() }),
);
type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

const unbookedOf = (book: Book): bigint =>
  [...book.leases.values()].filter(({ closed }) => !closed).reduce((sum, { unbooked }) => sum + unbooked.usd, 0n);

const credits = (amount: bigint): Amounts => ({ ...NOTHING, usd: amount });

const eventsFor = (book: Book, each: Command): readonly LedgerEvent[] => {
  switch (each.kind) {
    case 'pay': {
      const fee = fromCents(topUpFeeCents(each.cents, DEFAULT_FEE_POLICY));
      return decideTopUp(book, { orderId: each.order, workspaceId: W, credits: fromCents(each.cents), fee }).events;
    }
    case 'refund':
      return decideRefund(book, {
        refundId: `r-${each.order}-${each.id}`,
        orderId: each.order,
        credits: each.cents === undefined ? undefined : fromCents(each.cents),
        policy: each.policy,
        refundable: refundableOf(book, W, unbookedOf(book), 0n),
      }).events;
    case 'refund-fails':
      return decideRefundFailure(book, each.order, `r-${each.order}-${each.id}`).events;
    case 'outside':
      return decideOutsideRefund(book, {
        refundId: `o-${each.order}-${each.id}`,
        orderId: each.order,
        amount: fromCents(each.cents),
      }).events;
    case 'dispute':
      return decideChargeback(book, {
        disputeId: `d-${each.order}-${each.id}`,
        orderId: each.order,
        amount: fromCents(each.cents),
      }).events;
    case 'won':
      return decideChargebackReversal(book, each.order, `d-${each.order}-${each.id}`).events;
    case 'lease':
      return decideLeaseGrant(
        book,
        {
          ...{ leaseId: `l-${each.id}`, workspaceId: W, keyHash: 'k', instance: 'i' },
          quotas: [{ id: walletQuotaId(W), ...wallet }],
          ...{ need: credits(fromCents(each.cents)), want: credits(fromCents(each.cents)) },
        },
        { nowMs: 1, takeForMsMax: 60_000 },
      ).events;
    case 'close':
      return decideLeaseClose(book, `l-${each.id}`);
    case 'settle': {
      const event = decideSettlement(book, {
        ...{
          attemptId: `t-${each.id}`,
          workspaceId: W,
          provider: 'p',
          quotaSet: [walletQuotaId(W)],
          requests: 0n,
          tokens: 0n,
        },
        decision: { payer: 'credits', policyRow: 'completed', amount: fromCents(each.cents) },
        ...(each.late || !book.leases.has(`l-${each.id}`) ? {} : { leaseId: `l-${each.id}` }),
      });
      return event === undefined ? [] : [event];
    }
  }
};

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, each) => total + each, 0n);

test('after every command sums are zero, no order gives back more than it brought, and only what the bank took goes below zero', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const book = emptyBook();
      const entries: Entry[] = [];
      for (const each of commands) {
        const before = foldBalances(entries).get(`credits:${W}`) ?? 0n;
        const events = eventsFor(book, each);
        for (const event of events) {
          evolve(book, event);
          entries.push(...entriesOf(event));
        }
        const balances = foldBalances(entries);
        const credits = balances.get(`credits:${W}`) ?? 0n;
        expect(sum(balances.values())).toBe(0n);
        for (const { amount } of entries) expect(amount > 0n).toBe(true);
        const left = [...book.payments.values()].map(leftOf);
        for (const { credits: free, fee } of left) expect(free >= 0n && fee >= 0n).toBe(true);
        expect(-(balances.get('cash') ?? 0n)).toBe(sum(left.map((one) => one.credits + one.fee)));
        expect(balances.get('fees') ?? 0n).toBe(sum(left.map(({ fee }) => fee)));
        const quota = book.quotas.get(walletQuotaId(W));
        expect(quota?.limit ?? 0n).toBe(sum(left.map((one) => one.credits)));
        expect(credits).toBe(quota === undefined ? 0n : quota.limit - quota.posted - quota.held);
        if (credits < 0n && credits < before) expect(['dispute', 'outside']).toContain(each.kind);
        // Repeating a payment, a refund or a dispute has no second effect.
        if (!['lease', 'close', 'settle'].includes(each.kind) && events.length > 0)
          expect(eventsFor(book, each)).toEqual([]);
      }
    }),
    { numRuns: 400 },
  );
});
