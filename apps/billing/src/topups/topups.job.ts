// What has to be done about payments without anybody asking: automatic top-ups, orders and refunds that nobody answered for. Any number of billing
// processes may run it. Does nothing where payments are not configured.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext, type Cell } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { repeat, type Repetition } from '../repeat.js';
import { BILLING_WRITER, STRIPE } from '../tokens.js';
import { chargeOrder, dueAutoTopUps, orderAutomatically, staleAutoOrders } from './auto-topup.js';
import { payOut, pendingRefunds } from './refund-topup.js';
import type { StripeGateway } from './stripe-gateway.js';

const EVERY_MS = 5_000;
/** Longer than a call to the payment service takes with its repetitions. */
const STALE_AFTER_MS = 120_000;
/** How often payments that a bank takes its time for are asked about, should their event be lost. */
const LOOK_EVERY_MS = 600_000;

@Injectable()
export class TopUpsJob implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #ordered: Cell;
  #repeated: Repetition | undefined;
  #lookAtMs = 0;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
    @Inject(STRIPE) private readonly stripe: StripeGateway | undefined,
  ) {
    this.#ordered = context.metrics.counter('waystation_billing_auto_topups_total');
  }

  onApplicationBootstrap(): void {
    const { stripe } = this;
    if (stripe === undefined) return;
    this.#repeated = repeat(
      this.context.scaleMs(EVERY_MS),
      () => this.#tick(stripe),
      this.context.log,
      'payments that wait do not succeed for now; they are tried again',
    );
  }

  async #tick(stripe: StripeGateway): Promise<void> {
    const { database, context } = this;
    const nowMs = Date.now();
    const staleAfterMs = context.scaleMs(STALE_AFTER_MS);
    await inTurn(await dueAutoTopUps(database, nowMs), async (workspaceId) => {
      const { order } = await orderAutomatically(database, context.config.payments, workspaceId, nowMs);
      if (order === undefined) return;
      this.#ordered.value += 1;
      await chargeOrder(database, stripe, order, nowMs);
    });
    const uncharged = await staleAutoOrders(database, 'open', staleAfterMs);
    await inTurn(uncharged, (order) => chargeOrder(database, stripe, order, nowMs));
    await inTurn(await pendingRefunds(database, staleAfterMs), (refund) => payOut(database, stripe, refund));
    if (nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + context.scaleMs(LOOK_EVERY_MS);
    const processing = await staleAutoOrders(database, 'processing', context.scaleMs(LOOK_EVERY_MS));
    await inTurn(processing, (order) => chargeOrder(database, stripe, order, nowMs));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#repeated?.stop();
  }
}

/** One after the other; what fails keeps nobody from their turn, and is told at the end. */
const inTurn = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> => {
  let failure: unknown;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
};
