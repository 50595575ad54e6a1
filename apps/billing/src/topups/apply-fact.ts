// What the payment service told us, applied to our orders in one transaction with the event's id, so that an event counts once whatever is sent again.
// Credits come from our own order: another amount or currency than it names is refused, and nothing is changed.
import type { QueryRunner } from 'typeorm';
import { WaystationError, formatUsd } from '@waystation/contracts';
import {
  decideChargeback,
  decideChargebackReversal,
  decideOutsideRefund,
  decideRefundFailure,
  decideTopUp,
  fromCents,
} from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import { appendNotice, PAYMENT_SERVICE } from '../notices/notice-rows.js';
import { forgiveFailures, noteFailure } from './auto-topup-rows.js';
import { changeOrder, lockOrder, lockOrderOfPayment, totalCentsOf, type Order } from './order-rows.js';
import { bookPayment, openPayment } from './payment-rows.js';
import type { PaymentFact } from './read-event.js';

export type Applied = 'applied' | 'repeated' | 'ignored';

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  /** Undefined where the event means nothing to us. */
  readonly fact: PaymentFact | undefined;
}

export const applyEvent = (database: Database, { id, type, fact }: ReceivedEvent, nowMs: number): Promise<Applied> =>
  database.transaction(async (runner) => {
    const fresh = await queryRows(
      runner,
      `insert into stripe_event (event_id, type) values ($1, $2) on conflict do nothing returning event_id`,
      [id, type],
    );
    if (fresh.length === 0) return 'repeated';
    return fact === undefined ? 'ignored' : applyFact(runner, fact, nowMs);
  });

const FINAL: readonly Order['state'][] = ['paid', 'failed', 'expired'];

/** One fact about one order, which is locked first. */
export const applyFact = async (runner: QueryRunner, fact: PaymentFact, nowMs: number): Promise<Applied> => {
  const order = await ('orderId' in fact
    ? lockOrder(runner, fact.orderId)
    : lockOrderOfPayment(runner, fact.paymentIntent));
  if (order === undefined) return 'ignored';
  switch (fact.kind) {
    case 'paid':
      return bookPaid(runner, order, fact);
    case 'processing':
    case 'failed':
    case 'expired':
      if (FINAL.includes(order.state)) return 'ignored';
      await changeOrder(runner, order.orderId, { state: fact.kind, reason: fact.reason });
      return 'applied';
    case 'declined':
      if (order.kind !== 'auto' || FINAL.includes(order.state)) return 'ignored';
      await failAuto(runner, order, fact.reason, nowMs);
      return 'applied';
    case 'refunded':
      return bookOutsideRefund(runner, order, fact);
    case 'refund-failed':
      return bookRefundFailure(runner, order, fact.refundId);
    case 'disputed':
      return openDispute(runner, order, fact);
    case 'dispute-closed':
      return closeDispute(runner, order, fact);
    default: {
      const unreachable: never = fact;
      return unreachable;
    }
  }
};

/** An automatic order that will not be paid; the next waits. */
export const failAuto = async (runner: QueryRunner, order: Order, reason: string, nowMs: number): Promise<void> => {
  await changeOrder(runner, order.orderId, { state: 'failed', reason });
  await noteFailure(runner, order.workspaceId, reason, nowMs);
};

const mustBeUsd = (order: Order, currency: string): void => {
  if (currency.toLowerCase() === order.currency) return;
  throw new WaystationError(
    'unprocessable',
    `Order ${order.orderId} is in ${order.currency}, the event in ${JSON.stringify(currency.slice(0, 16))}; nothing was changed.`,
  );
};

type Of<Kind extends PaymentFact['kind']> = Extract<PaymentFact, { readonly kind: Kind }>;

const bookPaid = async (runner: QueryRunner, order: Order, fact: Of<'paid'>): Promise<Applied> => {
  // A page's payment may be in the customer's own currency; what was agreed is what the page says.
  if (order.kind === 'checkout' && fact.sessionId === undefined) return 'ignored';
  mustBeUsd(order, fact.currency);
  const total = totalCentsOf(order);
  if (fact.cents !== total) {
    throw new WaystationError(
      'unprocessable',
      `Order ${order.orderId} is for ${formatUsd(fromCents(total))} USD, the event for ${formatUsd(fromCents(fact.cents))} USD; nothing was credited.`,
    );
  }
  if (fact.sessionId !== undefined && order.sessionId !== undefined && fact.sessionId !== order.sessionId) {
    throw new WaystationError('unprocessable', `Order ${order.orderId} is paid on another page than the event names.`);
  }
  const { orderId, workspaceId, creditsCents, feeCents } = order;
  await changeOrder(runner, orderId, { state: 'paid', paymentIntent: fact.paymentIntent });
  if (order.kind === 'auto') await forgiveFailures(runner, workspaceId);
  const ledger = await openPayment(runner, workspaceId, orderId);
  const paid = { orderId, workspaceId, credits: fromCents(creditsCents), fee: fromCents(feeCents) };
  const { events } = decideTopUp(ledger.book, paid);
  if (events.length === 0) return 'repeated';
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor: PAYMENT_SERVICE, action: 'topup.paid', subject: orderId },
    detail: { credits: formatUsd(paid.credits), fee: formatUsd(paid.fee) },
  });
  await bookPayment(runner, ledger, { events });
  return 'applied';
};

/** What the payment service has given back beyond our own refunds was given back past us. */
const bookOutsideRefund = async (runner: QueryRunner, order: Order, fact: Of<'refunded'>): Promise<Applied> => {
  mustBeUsd(order, fact.currency);
  const { orderId, workspaceId } = order;
  const ledger = await openPayment(runner, workspaceId, orderId);
  const amount = fromCents(fact.cents) - (await refundedThrough(runner, orderId));
  const refundId = `${fact.chargeId}:${fact.cents}`;
  const decided = decideOutsideRefund(ledger.book, { refundId, orderId, amount });
  if (decided.events.length === 0) return 'ignored';
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor: PAYMENT_SERVICE, action: 'topup.refunded', subject: orderId },
    detail: { amount: formatUsd(amount), outside: true },
  });
  await bookPayment(runner, ledger, decided, true);
  return 'applied';
};

/** What our books say the payment service gave back; what an operator paid out another way is not among it. */
const refundedThrough = async (runner: QueryRunner, orderId: string): Promise<bigint> => {
  const [row] = await queryRows<{ refunded: string }>(
    runner,
    `select coalesce(sum(case kind when 'refunded' then p.credits + p.fee when 'refund-failed' then -p.credits - p.fee else 0 end), 0) as refunded
       from payment p left join topup_refund r on r.order_id = p.order_id and r.refund_id = p.subject_id
      where p.order_id = $1 and coalesce(r.via, 'stripe') = 'stripe'`,
    [orderId],
  );
  return BigInt(row?.refunded ?? 0);
};

/** Gives the credits of a refund back that came to nothing. */
export const bookRefundFailure = async (runner: QueryRunner, order: Order, refundId: string): Promise<Applied> => {
  const { orderId, workspaceId } = order;
  const ledger = await openPayment(runner, workspaceId, orderId);
  const decided = decideRefundFailure(ledger.book, orderId, refundId);
  if (decided.events.length === 0) return 'ignored';
  await queryRows(runner, `update topup_refund set state = 'failed' where order_id = $1 and refund_id = $2`, [
    orderId,
    refundId,
  ]);
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor: PAYMENT_SERVICE, action: 'topup.refund-failed', subject: orderId },
    detail: { refundId },
  });
  await bookPayment(runner, ledger, decided);
  return 'applied';
};

const openDispute = async (runner: QueryRunner, order: Order, fact: Of<'disputed'>): Promise<Applied> => {
  if (!(await insertDispute(runner, order, fact.disputeId, 'open'))) return 'repeated';
  await takeBack(runner, order, fact);
  return 'applied';
};

/**
 * Takes the disputed money out of the workspace's credits, below zero if need be, and suspends it. A dispute in the customer's own currency is of a part that
 * we cannot tell: it takes all that is left.
 */
const takeBack = async (
  runner: QueryRunner,
  order: Order,
  { disputeId, cents, currency }: Of<'disputed' | 'dispute-closed'>,
): Promise<void> => {
  const { orderId, workspaceId } = order;
  const amount = fromCents(currency.toLowerCase() === order.currency ? cents : totalCentsOf(order));
  const ledger = await openPayment(runner, workspaceId, orderId);
  const decided = decideChargeback(ledger.book, { disputeId, orderId, amount });
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor: PAYMENT_SERVICE, action: 'topup.disputed', subject: orderId },
    detail: { disputeId, amount: formatUsd(amount) },
  });
  const reason = `payment ${orderId} is disputed (${disputeId})`;
  await appendNotice(runner, { kind: 'suspension', workspaceId, suspended: true, reason });
  await bookPayment(runner, ledger, decided, true);
};

/** A lost dispute keeps what it took. A won one restores it, and lifts the suspension where no other dispute stands. */
const closeDispute = async (runner: QueryRunner, order: Order, fact: Of<'dispute-closed'>): Promise<Applied> => {
  const { orderId, workspaceId } = order;
  const { disputeId, won } = fact;
  const state = won ? 'won' : 'lost';
  // Events may overtake each other: one that closes a dispute we never heard of says all there is to know.
  if (await insertDispute(runner, order, disputeId, state)) {
    if (!won) await takeBack(runner, order, fact);
    return 'applied';
  }
  const closed = await queryRows(
    runner,
    `update dispute set state = $2 where dispute_id = $1 and state = 'open' returning dispute_id`,
    [disputeId, state],
  );
  if (closed.length === 0) return 'repeated';
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor: PAYMENT_SERVICE, action: `topup.dispute-${state}`, subject: orderId },
    detail: { disputeId },
  });
  if (!won) return 'applied';
  const standing = await queryRows(runner, `select 1 from dispute where workspace_id = $1 and state <> 'won' limit 1`, [
    workspaceId,
  ]);
  if (standing.length === 0) {
    const reason = `dispute ${disputeId} was won`;
    await appendNotice(runner, { kind: 'suspension', workspaceId, suspended: false, reason });
  }
  const ledger = await openPayment(runner, workspaceId, orderId);
  await bookPayment(runner, ledger, decideChargebackReversal(ledger.book, orderId, disputeId));
  return 'applied';
};

/** False where the dispute is known. */
const insertDispute = async (
  runner: QueryRunner,
  { orderId, workspaceId }: Order,
  disputeId: string,
  state: 'open' | 'won' | 'lost',
): Promise<boolean> => {
  const made = await queryRows(
    runner,
    `insert into dispute (dispute_id, order_id, workspace_id, state) values ($1, $2, $3, $4) on conflict do nothing returning dispute_id`,
    [disputeId, orderId, workspaceId, state],
  );
  return made.length > 0;
};
