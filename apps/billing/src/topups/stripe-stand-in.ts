// For tests: the few endpoints of Stripe's API that we call, on loopback, with idempotency keys as Stripe keeps them; and events signed as Stripe signs them.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { DEFAULT_FEE_POLICY } from '@waystation/ledger';
import { Stripe } from 'stripe';
import type { PaymentsConfig, StripeConfig } from '../config.js';

export const WITHOUT_PAYMENTS: PaymentsConfig = {
  feePolicy: DEFAULT_FEE_POLICY,
  feeRefund: 'never',
  leastCents: 100n,
  mostCents: 1_000_000n,
};

const WEBHOOK_SECRET = 'whsec_test';

/** What the next call is answered with: a card that is declined, a server error, or an answer that is lost after the work was done. */
export type Fault = 'declined' | 'refused' | 'down' | 'answer-lost';

interface Asked {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
}

export interface StripeStandIn {
  readonly config: StripeConfig;
  /** Every call that came in, repetitions included. */
  readonly asked: Asked[];
  /** Refunds and charges that were really made. */
  readonly made: string[];
  fault: Fault | undefined;
  /** What a charge of a saved card comes to. */
  chargeStatus: string;
  stop(): Promise<void>;
}

const idOf = (prefix: string): string => `${prefix}_${randomBytes(8).toString('hex')}`;

export const startStripeStandIn = async (): Promise<StripeStandIn> => {
  const answers = new Map<string, { status: number; body: unknown; params: string }>();
  const intents = new Map<string, Record<string, unknown>>();

  const answerOf = (
    method: string,
    path: string,
    params: Record<string, string>,
  ): { status: number; body: unknown } => {
    if (path === '/v1/checkout/sessions') {
      const id = idOf('cs');
      return { status: 200, body: { id, object: 'checkout.session', url: `https://pay.test/${id}` } };
    }
    if (path === '/v1/payment_intents') {
      const id = idOf('pi');
      const received = standIn.chargeStatus === 'succeeded' ? Number(params['amount']) : 0;
      const { customer, payment_method, currency } = params;
      const intent = { id, object: 'payment_intent', status: standIn.chargeStatus, amount_received: received };
      intents.set(id, { ...intent, currency, customer, payment_method });
      standIn.made.push(id);
      return { status: 200, body: intents.get(id) };
    }
    if (method === 'GET' && path.startsWith('/v1/payment_intents/')) {
      const id = path.slice('/v1/payment_intents/'.length);
      const saved = { id, object: 'payment_intent', status: 'succeeded', amount_received: 0, currency: 'usd' };
      return { status: 200, body: intents.get(id) ?? { ...saved, customer: 'cus_1', payment_method: 'pm_1' } };
    }
    if (path === '/v1/refunds') {
      const id = idOf('re');
      standIn.made.push(id);
      return { status: 200, body: { id, object: 'refund', status: 'succeeded', amount: Number(params['amount']) } };
    }
    return { status: 404, body: { error: { type: 'invalid_request_error', message: `no such path ${path}` } } };
  };

  const handle = async (request: IncomingMessage): Promise<{ status: number; body: unknown } | 'drop'> => {
    const body = await text(request);
    const params = Object.fromEntries(new URLSearchParams(body));
    const path = (request.url ?? '').split('?')[0] ?? '';
    const key = request.headers['idempotency-key'];
    const idempotencyKey = typeof key === 'string' ? key : undefined;
    standIn.asked.push({ path, params, idempotencyKey });
    const { fault } = standIn;
    if (fault === 'down') return { status: 500, body: { error: { type: 'api_error', message: 'down' } } };
    if (fault === 'declined')
      return {
        status: 402,
        body: { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } },
      };
    if (fault === 'refused')
      return { status: 400, body: { error: { type: 'invalid_request_error', message: 'Charge cannot be refunded.' } } };
    const before = idempotencyKey === undefined ? undefined : answers.get(idempotencyKey);
    if (before !== undefined && before.params !== body)
      return {
        status: 400,
        body: { error: { type: 'idempotency_error', message: 'Keys are for the same parameters.' } },
      };
    const answer = before ?? { ...answerOf(request.method ?? '', path, params), params: body };
    if (idempotencyKey !== undefined) answers.set(idempotencyKey, answer);
    return fault === 'answer-lost' ? 'drop' : answer;
  };

  const server = createServer((request, response) => {
    void handle(request).then((answer) => {
      if (answer === 'drop') return void request.socket.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const standIn: StripeStandIn = {
    config: {
      secretKey: 'sk_test_1',
      webhookSecret: WEBHOOK_SECRET,
      apiUrl: new URL(`http://127.0.0.1:${port}`),
      successUrl: 'https://customer.test/paid',
      cancelUrl: 'https://customer.test/left',
    },
    asked: [],
    made: [],
    fault: undefined,
    chargeStatus: 'succeeded',
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return standIn;
};

export interface SignedEvent {
  readonly body: Buffer;
  readonly signature: string;
}

/** An event as Stripe would send it. */
export const signedEvent = (
  type: string,
  object: object,
  options: { readonly id?: string; readonly secret?: string; readonly atSeconds?: number } = {},
): SignedEvent => {
  const { id = idOf('evt'), secret = WEBHOOK_SECRET, atSeconds = Math.floor(Date.now() / 1000) } = options;
  const payload = JSON.stringify({ id, object: 'event', type, data: { object } });
  const stripe = new Stripe('sk_test_1');
  const signature = stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: atSeconds });
  return { body: Buffer.from(payload), signature };
};
