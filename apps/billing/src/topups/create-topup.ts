// A top-up begins with an order of ours, which is committed before the payment service hears of it. The same request id is the same order.
import { randomUUID } from 'node:crypto';
import { WaystationError, formatUsd } from '@waystation/contracts';
import { fromCents, toCents, topUpFeeCents } from '@waystation/ledger';
import type { Database } from '@waystation/postgres';
import type { PaymentsConfig } from '../config.js';
import { appendNotice, type Actor } from '../notices/notice-rows.js';
import { changeOrder, insertOrder, orderOfRequest, readOrder, unknownOrder, type Order } from './order-rows.js';
import { mustHave, type StripeGateway } from './stripe-gateway.js';

export interface TopUpRequest {
  readonly workspaceId: string;
  readonly requestId: string;
  /** Picodollars. */
  readonly credits: bigint;
  readonly currency: string;
  readonly savePaymentMethod: boolean;
  readonly actor: Actor;
}

const usdOf = (cents: bigint): string => formatUsd(fromCents(cents));
const refuse = (field: string, message: string): never => {
  throw new WaystationError('invalid_request', message, { details: { field } });
};

/** The amount of one top-up in cents. @throws WaystationError `invalid_request` that says what is taken */
export const creditsCentsOf = (
  credits: bigint,
  { leastCents, mostCents }: Pick<PaymentsConfig, 'leastCents' | 'mostCents'>,
  field = 'amount',
): bigint => {
  const cents = toCents(credits);
  if (cents === undefined) {
    return refuse(field, `${field}: ${formatUsd(credits)} USD is not a whole number of cents, and cards charge cents.`);
  }
  if (cents < leastCents || cents > mostCents) {
    const range = `${usdOf(leastCents)} to ${usdOf(mostCents)} USD`;
    return refuse(field, `${field}: ${formatUsd(credits)} USD is outside of what it may be, ${range}.`);
  }
  return cents;
};

/** Answers the order with the page to pay it on. */
export const createTopUp = async (
  database: Database,
  gateway: StripeGateway | undefined,
  config: PaymentsConfig,
  request: TopUpRequest,
): Promise<Order> => {
  const { workspaceId, requestId, currency, savePaymentMethod, actor } = request;
  if (currency.toLowerCase() !== 'usd')
    return refuse('currency', `currency: ${JSON.stringify(currency)} is not taken; credits are bought in "usd".`);
  const creditsCents = creditsCentsOf(request.credits, config);
  const stripe = mustHave(gateway);
  const order = await database.transaction(async (runner) => {
    const made = await insertOrder(runner, {
      orderId: `top-${randomUUID()}`,
      ...{ workspaceId, requestId, kind: 'checkout', currency: 'usd', savesMethod: savePaymentMethod },
      ...{ creditsCents, feeCents: topUpFeeCents(creditsCents, config.feePolicy) },
    });
    if (made === undefined) return orderOfRequest(runner, workspaceId, requestId);
    await appendNotice(runner, {
      ...{ kind: 'audit', workspaceId, actor, action: 'topup.ordered', subject: made.orderId },
      detail: { credits: usdOf(made.creditsCents), fee: usdOf(made.feeCents) },
    });
    return made;
  });
  if (order === undefined) throw unknownOrder(requestId);
  if (order.creditsCents !== creditsCents || order.kind !== 'checkout' || order.savesMethod !== savePaymentMethod) {
    throw new WaystationError(
      'conflict',
      `Request id ${requestId} was used before, for ${usdOf(order.creditsCents)} USD; use a new id for another top-up.`,
    );
  }
  if (order.sessionId !== undefined || order.state !== 'open') return order;
  return openCheckout(database, stripe, order);
};

const openCheckout = async (database: Database, stripe: StripeGateway, order: Order): Promise<Order> => {
  const { orderId, workspaceId } = order;
  try {
    const { sessionId, url } = await stripe.createCheckout(order);
    return await database.transaction(async (runner) => {
      await changeOrder(runner, orderId, { sessionId, checkoutUrl: url });
      return readOrder(runner, workspaceId, orderId);
    });
  } catch (error) {
    if (error instanceof WaystationError && error.code === 'unprocessable') {
      const { message: reason } = error;
      await database.transaction((runner) => changeOrder(runner, orderId, { state: 'failed', reason }));
    }
    throw error;
  }
};
