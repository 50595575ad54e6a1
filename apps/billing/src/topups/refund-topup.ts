// A refund: the credits are taken first, then the money is given back. What the payment service refuses for good gives the credits back; what it did not
// answer stays pending and is tried again under the same key, so that nothing is paid out twice and no credits are spent that were paid out.
import { WaystationError, formatUsd } from '@waystation/contracts';
import { decideRefund, promotionalOf, refundableOf, toCents, type FeeRefundPolicy } from '@waystation/ledger';
import { queryRows, type Database } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { appendNotice, type Actor } from '../notices/notice-rows.js';
import { bookRefundFailure } from './apply-fact.js';
import { loadLots, unbookedOf } from '../promo/promo-rows.js';
import { lockOrder, unknownOrder } from './order-rows.js';
import { bookPayment, openPayment } from './payment-rows.js';
import { mustHave, type StripeGateway } from './stripe-gateway.js';

export interface RefundRequest {
  readonly workspaceId: string;
  readonly orderId: string;
  readonly refundId: string;
  /** Picodollars; absent: all that is left. */
  readonly credits: bigint | undefined;
  /** The money goes back another way. */
  readonly manual: boolean;
  readonly reason: string;
  readonly actor: Actor;
}

interface Booked {
  readonly state: 'pending' | 'done' | 'failed';
  readonly cents: bigint;
  readonly paymentIntent: string | undefined;
}

export const refundTopUp = async (
  database: Database,
  gateway: StripeGateway | undefined,
  policy: FeeRefundPolicy,
  request: RefundRequest,
): Promise<void> => {
  const { credits, orderId, refundId, manual } = request;
  if (credits !== undefined && toCents(credits) === undefined) {
    const message = `amount: ${formatUsd(credits)} USD is not a whole number of cents, and cards are paid in cents.`;
    throw new WaystationError('invalid_request', message, { details: { field: 'amount' } });
  }
  const booked = await database.transaction((runner) => bookRefund(runner, gateway, policy, request));
  if (booked.state === 'failed') {
    const message = `Refund ${refundId} was refused by the payment service before; use a new id to try again.`;
    throw new WaystationError('unprocessable', message);
  }
  if (booked.state === 'pending' && !manual)
    await payOut(database, mustHave(gateway), { orderId, refundId, ...booked });
};

const bookRefund = async (
  runner: QueryRunner,
  gateway: StripeGateway | undefined,
  policy: FeeRefundPolicy,
  request: RefundRequest,
): Promise<Booked> => {
  const { workspaceId, orderId, refundId, credits, manual, reason, actor } = request;
  const order = await lockOrder(runner, orderId);
  if (order === undefined || order.workspaceId !== workspaceId) throw unknownOrder(orderId);
  // Nothing is taken that could not be paid out.
  if (!manual) mustHave(gateway);
  const ledger = await openPayment(runner, workspaceId, orderId);
  const before = await storedRefund(runner, orderId, refundId);
  if (before?.state === 'failed') return { ...before, paymentIntent: order.paymentIntent };
  await loadLots(runner, ledger.book, workspaceId);
  const unbooked = await unbookedOf(runner, workspaceId);
  const promotional = promotionalOf(ledger.book, workspaceId, unbooked);
  const refundable = refundableOf(ledger.book, workspaceId, unbooked, promotional);
  const { events, answer } = decideRefund(ledger.book, { refundId, orderId, credits, policy, refundable });
  if (answer.rejected !== undefined) throw answer.rejected;
  if (before !== undefined || answer.refunded === undefined)
    return { state: 'done', cents: 0n, ...before, paymentIntent: order.paymentIntent };
  const { refunded } = answer;
  const state = manual ? 'done' : 'pending';
  await queryRows(
    runner,
    `insert into topup_refund (order_id, refund_id, workspace_id, credits, fee, state, via, reason) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      orderId,
      refundId,
      workspaceId,
      refunded.credits.toString(),
      refunded.fee.toString(),
      state,
      manual ? 'manual' : 'stripe',
      reason,
    ],
  );
  await appendNotice(runner, {
    ...{ kind: 'audit', workspaceId, actor, action: 'topup.refunded', subject: orderId },
    detail: { refundId, credits: formatUsd(refunded.credits), fee: formatUsd(refunded.fee), manual, reason },
  });
  await bookPayment(runner, ledger, { events });
  return { state, cents: centsOf(refunded.credits + refunded.fee), paymentIntent: order.paymentIntent };
};

/** Amounts of refunds are whole cents: what is asked for is checked, and what is left of an order is the rest of whole cents. */
const centsOf = (amount: bigint): bigint => {
  const cents = toCents(amount);
  if (cents === undefined) throw new WaystationError('internal', `A refund of ${amount} picodollars is no whole cent.`);
  return cents;
};

const storedRefund = async (
  runner: QueryRunner,
  orderId: string,
  refundId: string,
): Promise<Pick<Booked, 'state' | 'cents'> | undefined> => {
  const [row] = await queryRows<{ state: Booked['state']; amount: string }>(
    runner,
    `select state, credits + fee as amount from topup_refund where order_id = $1 and refund_id = $2 for update`,
    [orderId, refundId],
  );
  return row === undefined ? undefined : { state: row.state, cents: centsOf(BigInt(row.amount)) };
};

/** A refund that is booked and whose money has still to go. */
export interface PendingRefund {
  readonly orderId: string;
  readonly refundId: string;
  readonly cents: bigint;
  readonly paymentIntent: string | undefined;
}

/** Gives the money back, or the credits where that is refused for good. @throws WaystationError `unprocessable`, `payments_unavailable` */
export const payOut = async (
  database: Database,
  stripe: StripeGateway,
  { orderId, refundId, cents, paymentIntent }: PendingRefund,
): Promise<void> => {
  try {
    if (paymentIntent === undefined)
      throw new WaystationError('unprocessable', `Order ${orderId} was not paid through the payment service.`);
    const stripeRefund = await stripe.refund(paymentIntent, orderId, refundId, cents);
    await database.query(
      `update topup_refund set state = 'done', stripe_refund = $3 where order_id = $1 and refund_id = $2 and state = 'pending'`,
      [orderId, refundId, stripeRefund],
    );
  } catch (error) {
    if (error instanceof WaystationError && error.code === 'unprocessable') {
      await database.transaction(async (runner) => {
        const order = await lockOrder(runner, orderId);
        if (order !== undefined) await bookRefundFailure(runner, order, refundId);
      });
    }
    throw error;
  }
};

const RESUMED_MAX = 20;

/** Refunds that nobody answered for, oldest first: to be tried again under their keys. */
export const pendingRefunds = async (database: Database, olderThanMs: number): Promise<PendingRefund[]> => {
  const rows = await database.query<{
    order_id: string;
    refund_id: string;
    amount: string;
    payment_intent: string | null;
  }>(
    `select r.order_id, r.refund_id, r.credits + r.fee as amount, o.payment_intent from topup_refund r join topup_order o using (order_id)
      where r.state = 'pending' and r.created_at < now() - make_interval(secs => $1) order by r.created_at limit $2`,
    [olderThanMs / 1_000, RESUMED_MAX],
  );
  return rows.map(({ order_id, refund_id, amount, payment_intent }) => ({
    orderId: order_id,
    refundId: refund_id,
    cents: centsOf(BigInt(amount)),
    paymentIntent: payment_intent ?? undefined,
  }));
};
