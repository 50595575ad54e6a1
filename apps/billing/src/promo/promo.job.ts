// Lets promotional credits expire, a little after their time. Any number of billing processes may run it: the wallet's lock makes them take turns.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { BILLING_WRITER } from '../tokens.js';
import { expireDue } from './promo.js';

const EVERY_MS = 10_000;

@Injectable()
export class PromoJob implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;
  #failing = false;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    const everyMs = Math.max(50, this.context.scaleMs(EVERY_MS));
    this.#timer = setInterval(() => {
      this.#running ??= expireDue(this.database, Date.now())
        .then(
          () => (this.#failing = false),
          (error: unknown) => this.#noteFailure(error),
        )
        .then(() => (this.#running = undefined));
    }, everyMs);
  }

  /** One line for an outage, not one every few seconds. */
  #noteFailure(error: unknown): void {
    if (!this.#failing)
      this.context.log.warn({ err: error }, 'promotional credits cannot expire for now; it is tried again');
    this.#failing = true;
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
