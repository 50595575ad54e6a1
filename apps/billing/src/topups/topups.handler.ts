// Top-ups over the bus: orders, refunds, automatic top-ups, and the payment service's events.
import { Controller, Inject } from '@nestjs/common';
import {
  BillingAutotopupGet,
  BillingAutotopupPut,
  BillingStripeEvent,
  BillingTopupCreate,
  BillingTopupGet,
  BillingTopupList,
  BillingTopupRefund,
  WaystationError,
  formatUsd,
  toWaystationError,
  type AutoTopupState,
  type TopupOrder,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, Handles, type AppContext } from '@waystation/runtime';
import type { z } from 'zod';
import type { BillingConfig } from '../config.js';
import { actorOf } from '../notices/notice-rows.js';
import { isOperator, mustBeOwn } from '../own-workspace.js';
import { BILLING_READER, BILLING_WRITER, STRIPE } from '../tokens.js';
import { applyEvent, type Applied } from './apply-fact.js';
import { setAutoTopUp, tellAutoTopUp } from './auto-topup.js';
import { createTopUp, creditsCentsOf } from './create-topup.js';
import { listOrders, readOrder, tellOrders } from './order-rows.js';
import { readEvent } from './read-event.js';
import { refundTopUp } from './refund-topup.js';
import { mustHave, type StripeGateway } from './stripe-gateway.js';

type Create = z.infer<typeof BillingTopupCreate.request>;
type Get = z.infer<typeof BillingTopupGet.request>;
type List = z.infer<typeof BillingTopupList.request>;
type Refund = z.infer<typeof BillingTopupRefund.request>;
type AutoGet = z.infer<typeof BillingAutotopupGet.request>;
type AutoPut = z.infer<typeof BillingAutotopupPut.request>;
type Event = z.infer<typeof BillingStripeEvent.request>;

@Controller()
export class TopUpsHandler {
  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly writer: Database,
    @Inject(BILLING_READER) private readonly reader: Database,
    @Inject(STRIPE) private readonly stripe: StripeGateway | undefined,
  ) {}

  @Handles(BillingTopupCreate)
  async create({ principal, credits, ...request }: Create): Promise<{ order: TopupOrder }> {
    mustBeOwn(principal, request.workspaceId);
    const { payments } = this.context.config;
    const asked = { ...request, credits: BigInt(credits), actor: actorOf(principal) };
    const { orderId } = await createTopUp(this.writer, this.stripe, payments, asked);
    return this.#tell(request.workspaceId, orderId);
  }

  @Handles(BillingTopupGet)
  async get({ principal, workspaceId, orderId }: Get): Promise<{ order: TopupOrder }> {
    mustBeOwn(principal, workspaceId);
    return this.#tell(workspaceId, orderId);
  }

  @Handles(BillingTopupList)
  async list({ principal, workspaceId, offset }: List): Promise<{ orders: TopupOrder[] }> {
    mustBeOwn(principal, workspaceId);
    const orders = await this.reader.asWorkspace(workspaceId, async (runner) =>
      tellOrders(runner, await listOrders(runner, workspaceId, offset ?? 0)),
    );
    return { orders };
  }

  @Handles(BillingTopupRefund)
  async refund({ principal, credits, ...request }: Refund): Promise<{ order: TopupOrder }> {
    const { workspaceId, orderId, manual } = request;
    mustBeOwn(principal, workspaceId);
    if (manual && !isOperator(principal))
      throw new WaystationError('permission_denied', 'Only an operator books a refund that was paid out another way.');
    const asked = credits === undefined ? undefined : BigInt(credits);
    const { feeRefund } = this.context.config.payments;
    await refundTopUp(this.writer, this.stripe, feeRefund, { ...request, credits: asked, actor: actorOf(principal) });
    return this.#tell(workspaceId, orderId);
  }

  @Handles(BillingAutotopupGet)
  async getAuto({ principal, workspaceId }: AutoGet): Promise<AutoTopupState> {
    mustBeOwn(principal, workspaceId);
    return this.reader.asWorkspace(workspaceId, (runner) => tellAutoTopUp(runner, workspaceId));
  }

  @Handles(BillingAutotopupPut)
  async putAuto({ principal, workspaceId, settings }: AutoPut): Promise<AutoTopupState> {
    mustBeOwn(principal, workspaceId);
    const { payments } = this.context.config;
    const threshold = BigInt(settings.threshold);
    if (threshold < 0n) throw invalid('threshold', `threshold: ${formatUsd(threshold)} USD is less than nothing.`);
    const creditsCents = creditsCentsOf(BigInt(settings.credits), payments);
    const bound = { ...payments, leastCents: creditsCents, mostCents: payments.mostCents * DAILY_ORDERS_MAX };
    const dailyMaxCents = creditsCentsOf(BigInt(settings.dailyMax), bound, 'daily_max');
    const { enabled } = settings;
    const read = { enabled, threshold, creditsCents, dailyMaxCents };
    await setAutoTopUp(this.writer, this.stripe, workspaceId, read, actorOf(principal));
    return this.reader.asWorkspace(workspaceId, (runner) => tellAutoTopUp(runner, workspaceId));
  }

  @Handles(BillingStripeEvent)
  async event({ signature, body }: Event): Promise<{ outcome: Applied }> {
    const { log } = this.context;
    const { id, type, object } = mustHave(this.stripe).verify(Buffer.from(body, 'base64'), signature);
    try {
      const outcome = await applyEvent(this.writer, { id, type, fact: factOf(type, object) }, Date.now());
      log.info({ event: id, type, outcome }, 'an event of the payment service');
      return { outcome };
    } catch (error) {
      log.warn({ event: id, type, err: error }, 'an event of the payment service was not applied');
      throw error;
    }
  }

  async #tell(workspaceId: string, orderId: string): Promise<{ order: TopupOrder }> {
    const [order] = await this.reader.asWorkspace(workspaceId, async (runner) =>
      tellOrders(runner, [await readOrder(runner, workspaceId, orderId)]),
    );
    if (order === undefined) throw toWaystationError(undefined);
    return { order };
  }
}

/** The day's bound is at most so many of the largest orders. */
const DAILY_ORDERS_MAX = 10n;

const invalid = (field: string, message: string): WaystationError =>
  new WaystationError('invalid_request', message, { details: { field } });

const factOf = (type: string, object: unknown) => {
  try {
    return readEvent(type, object);
  } catch (cause) {
    const message = `The object of the event ${type.slice(0, 64)} is not shaped as documented; nothing was changed.`;
    throw new WaystationError('unprocessable', message, { cause });
  }
};
