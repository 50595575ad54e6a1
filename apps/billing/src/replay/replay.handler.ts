// Replaying dead letters over the bus, for the operator.
import { Controller, Inject } from '@nestjs/common';
import { BillingDeadLettersReplay } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, Handles, type AppContext } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { settleTimesOf } from '../settle.handler.js';
import { PriceBook } from '../settle/price-book.js';
import { BILLING_WRITER } from '../tokens.js';
import { replayDeadLetters, type ReplayOptions } from './replay-dead-letters.js';

@Controller()
export class ReplayHandler {
  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
    @Inject(PriceBook) private readonly prices: PriceBook,
  ) {}

  @Handles(BillingDeadLettersReplay)
  async replay({ ids, reason, since, limit, dryRun }: ReplayOptions) {
    const { letters, left } = await replayDeadLetters(this.database, this.prices, settleTimesOf(this.context), {
      ids,
      reason,
      since,
      limit,
      dryRun,
    });
    return { letters: [...letters], left };
  }
}
