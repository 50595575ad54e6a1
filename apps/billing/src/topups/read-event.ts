// Stripe's events as facts about our orders. Types that mean nothing to us, and objects that name no order of ours, are no fact.
// https://docs.stripe.com/api/events/types
import { z } from 'zod';

/** Cents and currency are what the payment service says; they are compared with our order and never credited. */
export type PaymentFact =
  | {
      readonly kind: 'paid';
      readonly orderId: string;
      readonly cents: bigint;
      readonly currency: string;
      /** Absent where the payment itself, and no page, says so. */
      readonly sessionId?: string | undefined;
      readonly paymentIntent?: string | undefined;
    }
  | { readonly kind: 'processing' | 'expired' | 'failed'; readonly orderId: string; readonly reason?: string }
  /** A saved card was declined; a checkout page lets its customer try again, so that this ends automatic orders only. */
  | { readonly kind: 'declined'; readonly orderId: string; readonly reason: string }
  /** `cents` in all, over every refund of the payment. */
  | {
      readonly kind: 'refunded';
      readonly paymentIntent: string;
      readonly chargeId: string;
      readonly cents: bigint;
      readonly currency: string;
    }
  | { readonly kind: 'refund-failed'; readonly orderId: string; readonly refundId: string }
  | {
      readonly kind: 'disputed';
      readonly paymentIntent: string;
      readonly disputeId: string;
      readonly cents: bigint;
      readonly currency: string;
    }
  | {
      readonly kind: 'dispute-closed';
      readonly paymentIntent: string;
      readonly disputeId: string;
      readonly won: boolean;
      readonly cents: bigint;
      readonly currency: string;
    };

const cents = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).transform(BigInt);
const id = z.string().min(1).max(255);
/** An id, or the object itself where the account's settings expand it. */
const reference = z
  .union([id, z.object({ id }).transform((object) => object.id)])
  .nullish()
  .transform((value) => value ?? undefined);
const metadata = z.record(z.string(), z.string()).nullish();

/** The account may serve others too: what names no order of ours need not be shaped as we expect. */
const named = z.object({ client_reference_id: z.string().nullish(), metadata });
const session = z.object({
  id,
  amount_total: cents,
  currency: z.string(),
  payment_status: z.string(),
  payment_intent: reference,
});
const intent = z.object({
  id,
  amount_received: cents,
  currency: z.string(),
  last_payment_error: z.object({ message: z.string().optional() }).nullish(),
});
const charge = z.object({ id, payment_intent: reference, amount_refunded: cents, currency: z.string() });
const dispute = z.object({ id, payment_intent: reference, amount: cents, currency: z.string(), status: z.string() });

const ofSession = (object: unknown, kind: 'paid' | 'expired' | 'failed'): PaymentFact | undefined => {
  const orderId = named.parse(object).client_reference_id ?? undefined;
  if (orderId === undefined) return undefined;
  const read = session.parse(object);
  if (kind === 'expired') return { kind, orderId };
  if (kind === 'failed') return { kind, orderId, reason: 'The payment failed.' };
  if (read.payment_status !== 'paid') return { kind: 'processing', orderId };
  const { amount_total, currency, payment_intent } = read;
  return {
    ...{ kind, orderId, cents: amount_total, currency, sessionId: read.id },
    paymentIntent: payment_intent,
  };
};

const ofIntent = (object: unknown, kind: 'paid' | 'declined'): PaymentFact | undefined => {
  const orderId = named.parse(object).metadata?.['order_id'];
  if (orderId === undefined) return undefined;
  const read = intent.parse(object);
  if (kind === 'declined')
    return { kind, orderId, reason: read.last_payment_error?.message ?? 'The card was declined.' };
  const { amount_received, currency } = read;
  return { kind, orderId, cents: amount_received, currency, paymentIntent: read.id };
};

const ofCharge = (object: unknown): PaymentFact | undefined => {
  const { id: chargeId, payment_intent, amount_refunded, currency } = charge.parse(object);
  if (payment_intent === undefined) return undefined;
  return { kind: 'refunded', paymentIntent: payment_intent, chargeId, cents: amount_refunded, currency };
};

const ofRefund = (object: unknown): PaymentFact | undefined => {
  const about = named.parse(object).metadata;
  const [orderId, refundId] = [about?.['order_id'], about?.['refund_id']];
  return orderId === undefined || refundId === undefined ? undefined : { kind: 'refund-failed', orderId, refundId };
};

/** An inquiry (`warning_…`) has taken no money yet. */
const ofDispute = (object: unknown, closed: boolean): PaymentFact | undefined => {
  const { id: disputeId, payment_intent, amount, currency, status } = dispute.parse(object);
  if (payment_intent === undefined || status.startsWith('warning_')) return undefined;
  const about = { paymentIntent: payment_intent, disputeId, cents: amount, currency };
  return closed ? { kind: 'dispute-closed', ...about, won: status === 'won' } : { kind: 'disputed', ...about };
};

const READERS: ReadonlyMap<string, (object: unknown) => PaymentFact | undefined> = new Map<
  string,
  (object: unknown) => PaymentFact | undefined
>([
  ['checkout.session.completed', (object) => ofSession(object, 'paid')],
  ['checkout.session.async_payment_succeeded', (object) => ofSession(object, 'paid')],
  ['checkout.session.async_payment_failed', (object) => ofSession(object, 'failed')],
  ['checkout.session.expired', (object) => ofSession(object, 'expired')],
  ['payment_intent.succeeded', (object) => ofIntent(object, 'paid')],
  ['payment_intent.payment_failed', (object) => ofIntent(object, 'declined')],
  ['charge.refunded', ofCharge],
  ['refund.failed', ofRefund],
  ['charge.dispute.created', (object) => ofDispute(object, false)],
  ['charge.dispute.funds_withdrawn', (object) => ofDispute(object, false)],
  ['charge.dispute.closed', (object) => ofDispute(object, true)],
]);

/** @throws ZodError where an object of a known type is not shaped as Stripe documents it */
export const readEvent = (type: string, object: unknown): PaymentFact | undefined => READERS.get(type)?.(object);
