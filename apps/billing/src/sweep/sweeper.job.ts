// Runs the sweep a little after each thing became due, and never ahead of the journal. Any number of billing processes may run it.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext, type Cell } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { SettleHandler, settleTimesOf } from '../settle.handler.js';
import { PriceBook } from '../settle/price-book.js';
import { tellSettled } from '../settle/tell-settled.js';
import { repeat, type Repetition } from '../repeat.js';
import { BILLING_WRITER } from '../tokens.js';
import { closeLeases, settleOverdue } from './sweep.js';
import { Watermark } from './watermark.js';

const EVERY_MS = 1_000;
/** Full batches in a row before the next tick. */
const BATCHES_MAX = 20;

@Injectable()
export class SweeperJob implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #watermark = new Watermark();
  readonly #settledLate: Cell;
  readonly #closed: Cell;
  #pending = 0;
  #repeated: Repetition | undefined;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
    @Inject(PriceBook) private readonly prices: PriceBook,
    @Inject(SettleHandler) private readonly settle: SettleHandler,
  ) {
    const { metrics } = context;
    this.#settledLate = metrics.counter('waystation_billing_settled_late_total');
    this.#closed = metrics.counter('waystation_billing_leases_swept_total');
    metrics.gauge('waystation_billing_facts_pending', () => this.#pending);
    context.health.show('facts', () => [{ pending: this.#pending, 'lag, seconds': settle.lagSeconds }]);
  }

  onApplicationBootstrap(): void {
    this.#repeated = repeat(
      this.context.scaleMs(EVERY_MS),
      () => this.#tick(),
      this.context.log,
      'sweeps do not succeed for now; they are tried again',
    );
  }

  async #tick(): Promise<void> {
    const { consumer } = this.settle;
    if (consumer === undefined) return;
    const askedAtMs = Date.now();
    this.#watermark.note(askedAtMs, await consumer.progress());
    this.#pending = await consumer.pending();
    const { throughMs } = this.#watermark;
    const { graceMs } = settleTimesOf(this.context);
    await inBatches(async () => {
      const { settled, corrected, leftOpen } = await settleOverdue(this.database, this.prices, throughMs);
      tellSettled(this.context.bus, leftOpen);
      this.#settledLate.value += settled + corrected;
      return settled + corrected;
    });
    await inBatches(async () => {
      const closed = await closeLeases(this.database, throughMs - graceMs);
      this.#closed.value += closed;
      return closed;
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#repeated?.stop();
  }
}

/** Until a batch finds nothing to do. */
const inBatches = async (batch: () => Promise<number>): Promise<void> => {
  for (let count = 0; count < BATCHES_MAX; count += 1) if ((await batch()) === 0) return;
};
