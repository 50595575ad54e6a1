// Top-ups, refunds and disputes. Credits come from an order of ours and from nothing else; the same order, refund or dispute counts once.
// A refund takes only what nobody uses; a chargeback may take credits below zero, since the money is gone.
import { WaystationError, formatUsd } from '@waystation/contracts';
import type { Book, Decided } from './book.js';
import { leftOf, type Paid, type PaymentState } from './payment.js';
import { walletQuotaId } from './quota-set.js';
import { PICODOLLARS_PER_CENT } from './topup-fee.js';

type Answer = { readonly rejected?: WaystationError };

const refuse = (code: 'conflict' | 'not_found' | 'unprocessable', message: string): Decided<Answer> => ({
  events: [],
  answer: { rejected: new WaystationError(code, message) },
});

const NOTHING: Decided<Answer> = { events: [], answer: {} };

export interface TopUp extends Paid {
  readonly orderId: string;
  readonly workspaceId: string;
}

/** An order that was paid. */
export const decideTopUp = (book: Book, { orderId, workspaceId, credits, fee }: TopUp): Decided<Answer> => {
  if (book.payments.has(orderId)) return NOTHING;
  return { events: [{ type: 'topped-up', orderId, workspaceId, credits, fee }], answer: {} };
};

/** Whether the fee goes back with its credits. */
export type FeeRefundPolicy = 'never' | 'proportional';

export interface RefundTopUp {
  readonly refundId: string;
  readonly orderId: string;
  /** Credits to give back; absent: all that is left of the order. */
  readonly credits?: bigint | undefined;
  readonly policy: FeeRefundPolicy;
  /** What of the workspace's credits may be paid out: free, and no gift of ours. */
  readonly refundable: bigint;
}

/** The part of the fee that goes back with these credits: half up to the cent, and what is left of it with the last of them. */
export const feeToRefund = (payment: PaymentState, credits: bigint, policy: FeeRefundPolicy): bigint => {
  if (policy === 'never' || payment.credits === 0n) return 0n;
  const left = leftOf(payment);
  if (credits === left.credits) return left.fee;
  const unit = payment.credits * PICODOLLARS_PER_CENT;
  const share = ((payment.fee * credits + unit / 2n) / unit) * PICODOLLARS_PER_CENT;
  return share < left.fee ? share : left.fee;
};

/** Gives credits of an order back. */
export const decideRefund = (book: Book, command: RefundTopUp): Decided<Answer & { readonly refunded?: Paid }> => {
  const { refundId, orderId, policy, refundable } = command;
  const payment = book.payments.get(orderId);
  if (payment === undefined)
    return refuse('unprocessable', `Order ${orderId} was not paid; there is nothing to refund.`);
  const known = payment.refunds.get(refundId);
  if (known !== undefined) {
    return command.credits === undefined || command.credits === known.credits
      ? { events: [], answer: { refunded: known } }
      : refuse(
          'conflict',
          `Refund ${refundId} was made before, of ${formatUsd(known.credits)} USD; use a new id for another.`,
        );
  }
  const left = leftOf(payment);
  const credits = command.credits ?? left.credits;
  if (credits <= 0n) {
    return refuse(
      'unprocessable',
      left.credits === 0n
        ? `Order ${orderId} has nothing left to refund.`
        : `A refund must be more than zero; it is ${formatUsd(credits)} USD.`,
    );
  }
  if (credits > left.credits) {
    return refuse(
      'unprocessable',
      `${formatUsd(credits)} USD is more than what is left of order ${orderId}: at most ${formatUsd(left.credits)} USD can be refunded.`,
    );
  }
  if (credits > refundable) {
    return refuse(
      'unprocessable',
      `${formatUsd(credits)} USD cannot be refunded: only ${formatUsd(refundable)} USD of the workspace's credits are free. The rest is spent, held by running calls, or promotional.`,
    );
  }
  const fee = feeToRefund(payment, credits, policy);
  const { workspaceId } = payment;
  return {
    events: [{ type: 'refunded', refundId, orderId, workspaceId, credits, fee }],
    answer: { refunded: { credits, fee } },
  };
};

/** A refund that the payment service refused: its credits come back. Repeating it, or naming one that is not booked, changes nothing. */
export const decideRefundFailure = (book: Book, orderId: string, refundId: string): Decided<Answer> => {
  const payment = book.payments.get(orderId);
  const refund = payment?.refunds.get(refundId);
  if (payment === undefined || refund === undefined) return NOTHING;
  const { workspaceId } = payment;
  return { events: [{ type: 'refund-failed', refundId, orderId, workspaceId, ...refund }], answer: {} };
};

/** So much of a payment, its credits first and then its fee. */
const takeFrom = (left: Paid, amount: bigint): Paid => {
  const credits = amount < left.credits ? amount : left.credits;
  const rest = amount - credits;
  return { credits, fee: rest < left.fee ? rest : left.fee };
};

/** Money that somebody gave back past us, in the payment service's own console: the credits go with it, even below zero. */
export const decideOutsideRefund = (
  book: Book,
  command: { readonly refundId: string; readonly orderId: string; readonly amount: bigint },
): Decided<Answer> => {
  const { refundId, orderId, amount } = command;
  const payment = book.payments.get(orderId);
  if (payment === undefined || payment.refunds.has(refundId)) return NOTHING;
  const taken = takeFrom(leftOf(payment), amount);
  if (amount <= 0n || taken.credits + taken.fee === 0n) return NOTHING;
  const { workspaceId } = payment;
  return { events: [{ type: 'refunded', refundId, orderId, workspaceId, ...taken }], answer: {} };
};

/** The bank took the money of an order back: credits first, then fee, never more than is left of it. */
export const decideChargeback = (
  book: Book,
  command: { readonly disputeId: string; readonly orderId: string; readonly amount: bigint },
): Decided<Answer> => {
  const { disputeId, orderId, amount } = command;
  const payment = book.payments.get(orderId);
  if (payment === undefined || payment.chargebacks.has(disputeId)) return NOTHING;
  const taken = takeFrom(leftOf(payment), amount > 0n ? amount : 0n);
  const { workspaceId } = payment;
  return { events: [{ type: 'charged-back', disputeId, orderId, workspaceId, ...taken }], answer: {} };
};

/** A dispute was won: what it took is restored, once. */
export const decideChargebackReversal = (book: Book, orderId: string, disputeId: string): Decided<Answer> => {
  const payment = book.payments.get(orderId);
  const taken = payment?.chargebacks.get(disputeId);
  if (payment === undefined || taken === undefined || taken.reversed) return NOTHING;
  const { credits, fee } = taken;
  const { workspaceId } = payment;
  return { events: [{ type: 'chargeback-reversed', disputeId, orderId, workspaceId, credits, fee }], answer: {} };
};

/** Credits that may be paid out: what is neither spent nor held, less what is left of promotional lots. What is held counts against the lots first. */
export const refundableOf = (book: Book, workspaceId: string, unbooked: bigint, promotional: bigint): bigint => {
  const wallet = book.quotas.get(walletQuotaId(workspaceId));
  if (wallet === undefined) return 0n;
  const spent = wallet.posted + unbooked;
  const held = wallet.held - unbooked;
  const free = wallet.limit - spent - (held > promotional ? held : promotional);
  return free > 0n ? free : 0n;
};
