// Payments and promotional credits in Postgres against the pure model: the same random commands, and after each the database says what the model says.
// A failing run prints its seed.
import {
  decideChargeback,
  decideChargebackReversal,
  decidePromoExpiry,
  decidePromoGrant,
  decideRefund,
  decideTopUp,
  emptyBook,
  entriesOf,
  evolve,
  foldBalances,
  fromCents,
  promotionalOf,
  refundableOf,
  remainingOf,
  type Book,
  type Entry,
  type LedgerEvent,
} from '@waystation/ledger';
import { postgresDatabase } from '@waystation/testing';
import { WaystationError } from '@waystation/contracts';
import fc from 'fast-check';
import { expireLots, grantPromo } from '../promo/promo.js';
import { testLedger, type TestLedger } from '../test-ledger.js';
import { verifyLedger } from '../verify/verify-ledger.js';
import { applyFact } from './apply-fact.js';
import { insertOrder } from './order-rows.js';
import { refundTopUp } from './refund-topup.js';

const NOW = Date.UTC(2026, 10, 26, 12);
let ledger: TestLedger;
let runs = 0;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
}, 120_000);
afterAll(() => ledger.drop());

const cents = fc.bigInt({ min: 1n, max: 3_000n });
const order = fc.nat(2);
const step = fc.oneof(
  fc.record({ kind: fc.constant('pay' as const), order, cents }),
  fc.record({
    kind: fc.constant('refund' as const),
    order,
    id: fc.nat(3),
    cents: fc.option(cents, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('dispute' as const), order, cents }),
  fc.record({ kind: fc.constant('won' as const), order }),
  fc.record({ kind: fc.constant('promo' as const), id: fc.nat(5), cents, lasts: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** One run: names of its own, a model, and both worlds stepped together. */
class Run {
  readonly W: string;
  readonly book: Book = emptyBook();
  readonly entries: Entry[] = [];
  /** What each order is for, as it was first asked for. */
  readonly asked = new Map<number, bigint>();
  nowMs = NOW;

  constructor() {
    runs += 1;
    this.W = `run-${runs}`;
  }

  orderId = (each: number): string => `top-${this.W}-${each}`;

  fold(events: readonly LedgerEvent[]): void {
    for (const event of events) {
      evolve(this.book, event);
      this.entries.push(...entriesOf(event));
    }
  }

  async step(each: Step): Promise<void> {
    const { W, book } = this;
    switch (each.kind) {
      case 'pay': {
        const creditsCents = this.asked.get(each.order) ?? each.cents;
        this.asked.set(each.order, creditsCents);
        const orderId = this.orderId(each.order);
        const paid = { orderId, workspaceId: W, credits: fromCents(creditsCents), fee: fromCents(80n) };
        this.fold(decideTopUp(book, paid).events);
        await ledger.writer.transaction(async (runner) => {
          const made = { orderId, workspaceId: W, requestId: orderId, kind: 'checkout', currency: 'usd' } as const;
          await insertOrder(runner, { ...made, creditsCents, feeCents: 80n, savesMethod: false });
          const fact = { kind: 'paid', orderId, cents: creditsCents + 80n, currency: 'usd' } as const;
          await applyFact(runner, { ...fact, sessionId: 'cs', paymentIntent: `pi-${orderId}` }, this.nowMs);
        });
        return;
      }
      case 'refund': {
        const credits = each.cents === undefined ? undefined : fromCents(each.cents);
        const [orderId, refundId] = [this.orderId(each.order), `refund-${each.id}`];
        const refundable = refundableOf(book, W, 0n, promotionalOf(book, W, 0n));
        const { events, answer } = decideRefund(book, {
          refundId,
          orderId,
          credits,
          policy: 'proportional',
          refundable,
        });
        this.fold(events);
        const known = this.asked.has(each.order);
        const work = refundTopUp(ledger.writer, undefined, 'proportional', {
          ...{ workspaceId: W, orderId, refundId, credits, manual: true, reason: '', actor: { kind: 'service' } },
        });
        const code = await work.then(
          () => undefined,
          (error: unknown) => (error instanceof WaystationError ? error.code : error),
        );
        expect(code).toBe(known ? answer.rejected?.code : 'not_found');
        return;
      }
      case 'dispute': {
        const orderId = this.orderId(each.order);
        const disputeId = `dp-${orderId}`;
        this.fold(decideChargeback(book, { disputeId, orderId, amount: fromCents(each.cents) }).events);
        const fact = { kind: 'disputed', paymentIntent: `pi-${orderId}`, disputeId, cents: each.cents } as const;
        await ledger.writer.transaction((runner) => applyFact(runner, { ...fact, currency: 'usd' }, this.nowMs));
        return;
      }
      case 'won': {
        const orderId = this.orderId(each.order);
        const disputeId = `dp-${orderId}`;
        if (!book.payments.get(orderId)?.chargebacks.has(disputeId)) return;
        this.fold(decideChargebackReversal(book, orderId, disputeId).events);
        const fact = { kind: 'dispute-closed', paymentIntent: `pi-${orderId}`, disputeId, won: true } as const;
        await ledger.writer.transaction((runner) =>
          applyFact(runner, { ...fact, cents: 0n, currency: 'usd' }, this.nowMs),
        );
        return;
      }
      case 'promo': {
        const lot = { lotId: `lot-${W}-${each.id}`, workspaceId: W, amount: fromCents(each.cents) };
        const grant = { ...lot, expiresAtMs: this.nowMs + each.lasts, nowMs: this.nowMs };
        const { events, answer } = decidePromoGrant(book, { ...grant, unbooked: 0n });
        this.fold(events);
        const code = await grantPromo(ledger.writer, { ...grant, reason: '' }).then(
          () => undefined,
          (error: unknown) => (error instanceof WaystationError ? error.code : error),
        );
        expect(code).toBe(answer.rejected?.code);
        return;
      }
      case 'wait': {
        this.nowMs += each.ms;
        this.fold(decidePromoExpiry(book, { workspaceId: W, nowMs: this.nowMs, unbooked: 0n }));
        await expireLots(ledger.writer, W, this.nowMs);
        return;
      }
    }
  }

  async agrees(): Promise<void> {
    const { W, book } = this;
    const [quota] = await ledger.asAdmin<{ quota_limit: string; overdrawn: boolean }>(
      `select quota_limit, overdrawn from quota where id = $1`,
      [`wallet:${W}`],
    );
    const wallet = book.quotas.get(`wallet:${W}`);
    expect(quota?.quota_limit ?? '0').toBe((wallet?.limit ?? 0n).toString());
    const folded = await ledger.asAdmin<{ account: string; amount: string }>(
      `select account, sum(amount) as amount
         from (select credit as account, amount from entry where workspace_id = $1 union all select debit, -amount from entry where workspace_id = $1) e
        group by account`,
      [W],
    );
    const stored = new Map(folded.map(({ account, amount }) => [account, BigInt(amount)]));
    for (const [account, amount] of foldBalances(this.entries))
      expect([account, stored.get(account) ?? 0n]).toEqual([account, amount]);
    const lots = await ledger.asAdmin<{ lot_id: string; remaining: string }>(
      `select lot_id, amount - spent - expired as remaining from promo_lot where workspace_id = $1`,
      [W],
    );
    expect(new Map(lots.map(({ lot_id, remaining }) => [lot_id, BigInt(remaining)]))).toEqual(
      new Map([...book.lots.values()].map((lot) => [lot.lotId, remainingOf(lot)])),
    );
  }
}

test('after every command the database agrees with the model, and every invariant holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const run = new Run();
      for (const each of steps) {
        await run.step(each);
        await run.agrees();
      }
      expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
    }),
    { numRuns: 25 },
  );
}, 120_000);
