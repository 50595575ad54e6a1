// What was paid for credits, and what of it went back: one payment for each order of ours, as the fold of its events.
// Invariant: of an order never more goes back than was paid, credits and fee each for itself; what a won dispute restores was taken by it.
import { ACCOUNTS, entryOf, type Entry } from './entry.js';

/** Credits and the fee on top of them, picodollars. */
export interface Paid {
  readonly credits: bigint;
  readonly fee: bigint;
}

export interface PaymentState extends Paid {
  readonly orderId: string;
  readonly workspaceId: string;
  /** By refund id; those that the payment service refused in the end are gone again. */
  readonly refunds: ReadonlyMap<string, Paid>;
  /** By dispute id: what the bank took, unless it gave it back. */
  readonly chargebacks: ReadonlyMap<string, Paid & { readonly reversed: boolean }>;
}

interface OfOrder extends Paid {
  readonly orderId: string;
  readonly workspaceId: string;
}

export type PaymentEvent =
  | ({ readonly type: 'topped-up' } & OfOrder)
  | ({ readonly type: 'refunded'; readonly refundId: string } & OfOrder)
  /** The payment service could not give it back after all. */
  | ({ readonly type: 'refund-failed'; readonly refundId: string } & OfOrder)
  | ({ readonly type: 'charged-back'; readonly disputeId: string } & OfOrder)
  /** The dispute was won. */
  | ({ readonly type: 'chargeback-reversed'; readonly disputeId: string } & OfOrder);

/** What the event adds to the wallet. */
export const walletChangeOf = (event: PaymentEvent): bigint =>
  event.type === 'refunded' || event.type === 'charged-back' ? -event.credits : event.credits;

/** What can still go back of a payment. */
export const leftOf = (payment: PaymentState): Paid => {
  let { credits, fee } = payment;
  const takings = [
    ...payment.refunds.values(),
    ...[...payment.chargebacks.values()].filter(({ reversed }) => !reversed),
  ];
  for (const taken of takings) {
    credits -= taken.credits;
    fee -= taken.fee;
  }
  return { credits, fee };
};

/** The payment after the event. */
export const paymentAfter = (before: PaymentState | undefined, event: PaymentEvent): PaymentState => {
  const { orderId, workspaceId, credits, fee } = event;
  const payment = before ?? { orderId, workspaceId, credits, fee, refunds: new Map(), chargebacks: new Map() };
  switch (event.type) {
    case 'topped-up':
      return payment;
    case 'refunded':
      return { ...payment, refunds: new Map([...payment.refunds, [event.refundId, { credits, fee }]]) };
    case 'refund-failed':
      return { ...payment, refunds: new Map([...payment.refunds].filter(([id]) => id !== event.refundId)) };
    case 'charged-back':
    case 'chargeback-reversed': {
      const reversed = event.type === 'chargeback-reversed';
      const taken = { credits, fee, reversed };
      return { ...payment, chargebacks: new Map([...payment.chargebacks, [event.disputeId, taken]]) };
    }
    default: {
      const unreachable: never = event;
      return unreachable;
    }
  }
};

/** The entries that an event writes: cash against credits, and cash against fees. */
export const paymentEntriesOf = (event: PaymentEvent): Entry[] => {
  const { workspaceId, fee } = event;
  const credits = ACCOUNTS.credits(workspaceId);
  const comesIn = event.type !== 'refunded' && event.type !== 'charged-back';
  const about = { workspaceId };
  const kind = KINDS[event.type];
  return [
    ...entryOf(kind, ACCOUNTS.cash, credits, walletChangeOf(event), about),
    ...entryOf(kind, ACCOUNTS.cash, ACCOUNTS.fees, comesIn ? fee : -fee, about),
  ];
};

const KINDS = {
  'topped-up': 'top-up',
  refunded: 'refund',
  'refund-failed': 'refund-failed',
  'charged-back': 'chargeback',
  'chargeback-reversed': 'chargeback-reversed',
} as const;
