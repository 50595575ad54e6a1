// Money: leases, settlement, credits, prices. Postgres is its record; the journal only carries.
import type { MigrateOptions } from '@waystation/postgres';
import type { AppDefinition } from '@waystation/runtime';
import { BillingModule } from './billing.module.js';
import { billingConfig, type BillingConfig } from './config.js';
import { CountMoreThanMoney1764150000102 } from './migrations/count-more-than-money.js';
import { CreateLedger1763800000101 } from './migrations/create-ledger.js';
import { CreatePriceBook1764150000301 } from './migrations/create-price-book.js';
import { CreatePayments1764158400201 } from './migrations/create-payments.js';
import { CreatePromo1764158400202 } from './migrations/create-promo.js';
import { ReadBooks1764160000302 } from './migrations/read-books.js';
import { SealEntries1764160000301 } from './migrations/seal-entries.js';
import { LetReadersSeeWitnesses1764165600402 } from './migrations/let-readers-see-witnesses.js';
import { FlushLeaseIndex1764172000601 } from './migrations/flush-lease-index.js';
import { AddSurcharges1764170000501 } from './migrations/add-surcharges.js';
import { ListDisagreements1764160000401 } from './migrations/list-disagreements.js';
import { TagCharges1764160000503 } from './migrations/tag-charges.js';

export const app: AppDefinition<BillingConfig> = {
  name: 'billing',
  config: billingConfig,
  module: (context) => BillingModule.of(context),
};

export const migrations: MigrateOptions['migrations'] = [
  CreateLedger1763800000101,
  CountMoreThanMoney1764150000102,
  CreatePriceBook1764150000301,
  CreatePayments1764158400201,
  CreatePromo1764158400202,
  SealEntries1764160000301,
  ReadBooks1764160000302,
  ListDisagreements1764160000401,
  TagCharges1764160000503,
  LetReadersSeeWitnesses1764165600402,
  AddSurcharges1764170000501,
  FlushLeaseIndex1764172000601,
];

// For the operator's commands, which run without a bus.
export { readCharges, type ListedCharge } from './explain/list-charges.js';
export { applyRerate, type ApplyBounds } from './rerate/apply-rerate.js';
export { planRerate, type ReratePlan } from './rerate/plan-rerate.js';
export { reportRerate, type RerateReport } from './rerate/report-rerate.js';
export { verifyLedger, type LedgerReport } from './verify/verify-ledger.js';
