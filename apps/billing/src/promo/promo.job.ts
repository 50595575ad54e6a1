// Lets promotional credits expire, a little after their time. Any number of billing processes may run it: the wallet's lock makes them take turns.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { repeat, type Repetition } from '../repeat.js';
import { BILLING_WRITER } from '../tokens.js';
import { expireDue } from './promo.js';

const EVERY_MS = 10_000;

@Injectable()
export class PromoJob implements OnApplicationBootstrap, OnApplicationShutdown {
  #repeated: Repetition | undefined;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.#repeated = repeat(
      this.context.scaleMs(EVERY_MS),
      () => expireDue(this.database, Date.now()),
      this.context.log,
      'promotional credits cannot expire for now; it is tried again',
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#repeated?.stop();
  }
}
