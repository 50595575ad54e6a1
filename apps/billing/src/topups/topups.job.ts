// What has to be done about payments without anybody asking: automatic top-ups, orders and refunds that nobody answered for. Any number of billing
// processes may run it. Does nothing where payments are not configured.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext, type Cell } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { BILLING_WRITER, STRIPE } from '../tokens.js';
import { chargeOrder, dueAutoTopUps, orderAutomatically, staleAutoOrders } from './auto-topup.js';
import { resumeRefunds } from './refund-topup.js';
import type { StripeGateway } from './stripe-gateway.js';

const EVERY_MS = 5_000;
/** Longer than a call to the payment service takes with its repetitions. */
const STALE_AFTER_MS = 120_000;

@Injectable()
export class TopUpsJob implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #ordered: Cell;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;
  #failing = false;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
    @Inject(STRIPE) private readonly stripe: StripeGateway | undefined,
  ) {
    this.#ordered = context.metrics.counter('billing_auto_topups_total', 'Top-ups ordered automatically.');
  }

  onApplicationBootstrap(): void {
    const { stripe } = this;
    if (stripe === undefined) return;
    const everyMs = Math.max(50, this.context.scaleMs(EVERY_MS));
    this.#timer = setInterval(() => {
      this.#running ??= this.#tick(stripe)
        .then(
          () => (this.#failing = false),
          (error: unknown) => this.#noteFailure(error),
        )
        .then(() => (this.#running = undefined));
    }, everyMs);
  }

  async #tick(stripe: StripeGateway): Promise<void> {
    const { database, context } = this;
    const staleAfterMs = context.scaleMs(STALE_AFTER_MS);
    for (const workspaceId of await dueAutoTopUps(database, Date.now())) {
      const { order } = await orderAutomatically(database, context.config.payments, workspaceId, Date.now());
      if (order === undefined) continue;
      this.#ordered.value += 1;
      await chargeOrder(database, stripe, order, Date.now());
    }
    for (const order of await staleAutoOrders(database, staleAfterMs))
      await chargeOrder(database, stripe, order, Date.now());
    await resumeRefunds(database, stripe, staleAfterMs);
  }

  /** One line for an outage, not one every few seconds. */
  #noteFailure(error: unknown): void {
    if (!this.#failing)
      this.context.log.warn({ err: error }, 'payments that wait do not succeed for now; they are tried again');
    this.#failing = true;
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
