// The one place that speaks to Stripe. Every call carries an idempotency key of ours, so that a repetition after a lost answer has no second effect.
// What Stripe refuses for good is `unprocessable`; where it cannot be reached, or will not do now, `payments_unavailable`: the outcome is unknown.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Stripe } from 'stripe';
import { WaystationError } from '@waystation/contracts';
import type { StripeConfig } from '../config.js';
import { totalCentsOf, type Order } from './order-rows.js';

/** With its repetition within the time that callers wait for us. */
const TIMEOUT_MS = 8_000;
const RETRIES_MAX = 1;

export interface SavedMethod {
  readonly customerId: string;
  readonly paymentMethod: string;
}

/** How a payment stands at Stripe. */
export interface PaymentStanding {
  readonly paymentIntent: string;
  readonly status: string;
  readonly receivedCents: bigint;
  readonly currency: string;
}

export interface StripeGateway {
  /** A page to pay the order on. */
  createCheckout(order: Order): Promise<{ readonly sessionId: string; readonly url: string | undefined }>;
  /** Charges a saved card without its owner. */
  chargeSaved(order: Order, method: SavedMethod): Promise<PaymentStanding>;
  standingOf(paymentIntent: string): Promise<PaymentStanding>;
  /** Id at Stripe. */
  refund(paymentIntent: string, orderId: string, refundId: string, cents: bigint): Promise<string>;
  /** What a paid checkout saved; undefined where it saved nothing. */
  savedMethodOf(paymentIntent: string): Promise<SavedMethod | undefined>;
  /** @throws WaystationError `invalid_request` where the signature is not Stripe's, or too old */
  verify(body: Buffer, signature: string): { readonly id: string; readonly type: string; readonly object: unknown };
}

const REFUSED_FOR_GOOD = ['StripeCardError', 'StripeInvalidRequestError', 'StripeIdempotencyError'];
const OUR_KEY = ['StripeAuthenticationError', 'StripePermissionError'];

const withoutAddresses = (text: string): string => text.replaceAll(/https?:\/\/\S+/g, '').slice(0, 300);

const toRefusal = (error: unknown): WaystationError => {
  const type = error instanceof Stripe.errors.StripeError ? error.type : '';
  const said = error instanceof Error ? withoutAddresses(error.message) : '';
  if (REFUSED_FOR_GOOD.includes(type)) {
    return new WaystationError('unprocessable', `The payment service refused: ${said}`, { cause: error });
  }
  if (OUR_KEY.includes(type)) {
    const message = 'The payment service does not accept the configured key; the operator has to check it.';
    return new WaystationError('payments_unavailable', message, { cause: error });
  }
  const message = 'The payment service cannot be reached now; repeat the request with the same id.';
  return new WaystationError('payments_unavailable', message, { cause: error, retryAfterMs: 5_000 });
};

const asked = async <Answer>(work: Promise<Answer>): Promise<Answer> => {
  try {
    return await work;
  } catch (error) {
    throw toRefusal(error);
  }
};

const idOf = (expandable: string | { readonly id: string } | null | undefined): string | undefined =>
  typeof expandable === 'string' ? expandable : expandable?.id;

const lineItem = (name: string, cents: bigint) => ({
  quantity: 1,
  price_data: { currency: 'usd', unit_amount: Number(cents), product_data: { name } },
});

/** https://nodejs.org/docs/latest-v24.x/api/http.html#built-in-proxy-support */
const agentThrough = ({ href }: URL, { protocol }: URL): HttpAgent =>
  protocol === 'http:'
    ? new HttpAgent({ keepAlive: true, proxyEnv: { HTTP_PROXY: href } })
    : new HttpsAgent({ keepAlive: true, proxyEnv: { HTTPS_PROXY: href } });

export const createStripeGateway = ({
  secretKey,
  webhookSecret,
  apiUrl,
  proxy,
  successUrl,
  cancelUrl,
}: StripeConfig): StripeGateway => {
  const stripe = new Stripe(secretKey, {
    host: apiUrl.hostname,
    protocol: apiUrl.protocol === 'http:' ? 'http' : 'https',
    ...(apiUrl.port === '' ? {} : { port: apiUrl.port }),
    ...(proxy === undefined ? {} : { httpAgent: agentThrough(proxy, apiUrl) }),
    timeout: TIMEOUT_MS,
    maxNetworkRetries: RETRIES_MAX,
    telemetry: false,
  });
  const standing = (intent: Stripe.PaymentIntent): PaymentStanding => ({
    paymentIntent: intent.id,
    status: intent.status,
    receivedCents: BigInt(intent.amount_received),
    currency: intent.currency,
  });

  return {
    async createCheckout(order) {
      const metadata = { order_id: order.orderId };
      const session = await asked(
        stripe.checkout.sessions.create(
          {
            mode: 'payment',
            client_reference_id: order.orderId,
            metadata,
            line_items: [
              lineItem('Credits', order.creditsCents),
              ...(order.feeCents > 0n ? [lineItem('Fee', order.feeCents)] : []),
            ],
            payment_intent_data: {
              metadata,
              ...(order.savesMethod ? { setup_future_usage: 'off_session' as const } : {}),
            },
            ...(order.savesMethod ? { customer_creation: 'always' as const } : {}),
            success_url: successUrl,
            cancel_url: cancelUrl,
          },
          { idempotencyKey: order.orderId },
        ),
      );
      return { sessionId: session.id, url: session.url ?? undefined };
    },

    async chargeSaved(order, { customerId, paymentMethod }) {
      const intent = stripe.paymentIntents.create(
        {
          amount: Number(totalCentsOf(order)),
          currency: order.currency,
          customer: customerId,
          payment_method: paymentMethod,
          off_session: true,
          confirm: true,
          metadata: { order_id: order.orderId },
        },
        { idempotencyKey: order.orderId },
      );
      return standing(await asked(intent));
    },

    standingOf: async (paymentIntent) => standing(await asked(stripe.paymentIntents.retrieve(paymentIntent))),

    async refund(paymentIntent, orderId, refundId, cents) {
      const made = await asked(
        stripe.refunds.create(
          {
            payment_intent: paymentIntent,
            amount: Number(cents),
            metadata: { order_id: orderId, refund_id: refundId },
          },
          { idempotencyKey: `${orderId}:${refundId}` },
        ),
      );
      if (made.status === 'failed' || made.status === 'canceled')
        throw new WaystationError('unprocessable', 'The payment service could not give the money back.');
      return made.id;
    },

    async savedMethodOf(paymentIntent) {
      const intent = await asked(stripe.paymentIntents.retrieve(paymentIntent));
      const [customerId, paymentMethod] = [idOf(intent.customer), idOf(intent.payment_method)];
      return customerId === undefined || paymentMethod === undefined ? undefined : { customerId, paymentMethod };
    },

    verify(body, signature) {
      try {
        const { id, type, data } = stripe.webhooks.constructEvent(body, signature, webhookSecret);
        return { id, type, object: data.object };
      } catch (cause) {
        const message = 'The signature of the event is missing, wrong or too old; nothing was changed.';
        throw new WaystationError('invalid_request', message, { cause });
      }
    },
  };
};

/** @throws WaystationError `payments_not_configured` */
export const mustHave = (gateway: StripeGateway | undefined): StripeGateway => {
  if (gateway !== undefined) return gateway;
  throw new WaystationError(
    'payments_not_configured',
    'Payments are not configured here: the operator has to set WAYSTATION_STRIPE_SECRET_KEY. Credits can be granted by an admin.',
  );
};
