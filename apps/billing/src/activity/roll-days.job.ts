// Runs the summing up of days now and then. What it has not done yet is read from the charges: it makes reports fast, never right.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { repeat, type Repetition } from '../repeat.js';
import { BILLING_WRITER } from '../tokens.js';
import { rollDays } from './roll-days.js';

const EVERY_MS = 60_000;
/** After a start all charges of this time are looked at: the process may have been away for so long. */
const AWAY_MS_MAX = 35 * 24 * 3_600_000;

@Injectable()
export class RollDaysJob implements OnApplicationBootstrap, OnApplicationShutdown {
  #lastMs = Date.now() - AWAY_MS_MAX;
  #repeated: Repetition | undefined;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.#repeated = repeat(
      this.context.scaleMs(EVERY_MS),
      () => this.#run(),
      this.context.log,
      'days cannot be summed up for now; it is tried again',
    );
  }

  async #run(): Promise<void> {
    const nowMs = Date.now();
    await rollDays(this.database, nowMs, this.#lastMs);
    this.#lastMs = nowMs;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#repeated?.stop();
  }
}
