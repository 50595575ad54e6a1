// Two connections, the consumer of facts, the sweeper, and a handler for each thing that billing can be asked.
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { provisionStreams } from '@waystation/bus';
import { openDatabase, type Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import { RollDaysJob } from './activity/roll-days.job.js';
import { UsageHandler } from './activity/usage.handler.js';
import type { BillingConfig } from './config.js';
import { CreditsHandler } from './credits/credits.handler.js';
import { ExplainHandler } from './explain/explain.handler.js';
import { KeyUsageHandler } from './keys/key-usage.handler.js';
import { LaneLoad } from './leases/lane-load.js';
import { LeasesHandler } from './leases/leases.handler.js';
import { NoticesJob } from './notices/notices.job.js';
import { PricesHandler } from './prices/prices.handler.js';
import { PromoJob } from './promo/promo.job.js';
import { QuotaUseHandler } from './quotas/quota-use.handler.js';
import { RerateHandler } from './rerate/rerate.handler.js';
import { SettleHandler } from './settle.handler.js';
import { ReconcileHandler } from './reconcile/reconcile.handler.js';
import { RebuildHandler } from './rebuild/rebuild.handler.js';
import { ReplayHandler } from './replay/replay.handler.js';
import { PriceBook } from './settle/price-book.js';
import { FocusHandler } from './statements/focus.handler.js';
import { StatementHandler } from './statements/statement.handler.js';
import { SweeperJob } from './sweep/sweeper.job.js';
import { BILLING_READER, BILLING_WRITER, STRIPE } from './tokens.js';
import { createStripeGateway } from './topups/stripe-gateway.js';
import { TopUpsHandler } from './topups/topups.handler.js';
import { TopUpsJob } from './topups/topups.job.js';
import { VerifyHandler } from './verify/verify.handler.js';
import { DisagreementsHandler } from './witnesses/disagreements.handler.js';

const STATEMENT_TIMEOUT_MS = 10_000;
/** Settlement, the lease lane, the sweeper, notices, payments, verification, and a few management calls. */
const WRITER_POOL_MAX = 8;
const READER_POOL_MAX = 4;

const open = (
  { log }: AppContext<BillingConfig>,
  role: 'writer' | 'reader',
  url: string,
  poolMax: number,
): Promise<Database> =>
  openDatabase({
    url,
    schema: 'billing',
    applicationName: `waystation-billing-${role}`,
    poolMax,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    log: (level, message, fields) => log[level](fields, message),
  });

@Module({})
export class BillingModule implements OnApplicationShutdown {
  constructor(
    @Inject(BILLING_WRITER) private readonly writer: Database,
    @Inject(BILLING_READER) private readonly reader: Database,
  ) {}

  static async of(context: AppContext<BillingConfig>): Promise<DynamicModule> {
    const [writer, reader] = await Promise.all([
      open(context, 'writer', context.config.writerUrl, WRITER_POOL_MAX),
      open(context, 'reader', context.config.readerUrl, READER_POOL_MAX),
    ]);
    await provisionStreams(context.bus, {}, ['FACTS']);
    context.health.check('billing.postgres', () => ({
      ok: writer.healthy() && reader.healthy(),
      detail: 'the schema billing',
    }));
    const { stripe } = context.config.payments;
    return {
      module: BillingModule,
      controllers: [
        LeasesHandler,
        CreditsHandler,
        TopUpsHandler,
        KeyUsageHandler,
        QuotaUseHandler,
        PricesHandler,
        RerateHandler,
        ExplainHandler,
        VerifyHandler,
        DisagreementsHandler,
        UsageHandler,
        RebuildHandler,
        ReplayHandler,
        StatementHandler,
        FocusHandler,
        ReconcileHandler,
      ],
      providers: [
        { provide: APP_CONTEXT, useValue: context },
        { provide: BILLING_WRITER, useValue: writer },
        { provide: BILLING_READER, useValue: reader },
        { provide: STRIPE, useFactory: () => (stripe === undefined ? undefined : createStripeGateway(stripe)) },
        PriceBook,
        { provide: LaneLoad, useFactory: () => new LaneLoad() },
        SettleHandler,
        SweeperJob,
        RollDaysJob,
        NoticesJob,
        TopUpsJob,
        PromoJob,
      ],
    };
  }

  /** Nest calls a module's hook after those of its providers: consumer and sweeper have ended. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.writer.close(), this.reader.close()]);
  }
}
