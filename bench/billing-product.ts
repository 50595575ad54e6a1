// The built billing, as this benchmark calls it: its own functions, typed by their sources. The sources themselves use decorators, which Node does not strip.
import type * as Credits from '../apps/billing/src/credits/credits.js';
import type * as Load from '../apps/billing/src/leases/lane-load.js';
import type * as Lane from '../apps/billing/src/leases/lease-lane.js';
import type * as Pace from '../apps/billing/src/settle/pace.js';
import type * as Prices from '../apps/billing/src/settle/price-book.js';
import type * as Settle from '../apps/billing/src/settle/settle-lines.js';
import type * as Ledger from '../apps/billing/src/test-ledger.js';
import type * as Verify from '../apps/billing/src/verify/verify-ledger.js';

const built = (file: string): Promise<unknown> => import(new URL(`../apps/billing/dist/${file}`, import.meta.url).href);

/** Needs the build. */
export const loadBilling = async () => ({
  ...((await built('credits/credits.js')) as typeof Credits),
  ...((await built('leases/lane-load.js')) as typeof Load),
  ...((await built('leases/lease-lane.js')) as typeof Lane),
  ...((await built('settle/pace.js')) as typeof Pace),
  ...((await built('settle/price-book.js')) as typeof Prices),
  ...((await built('settle/settle-lines.js')) as typeof Settle),
  ...((await built('test-ledger.js')) as typeof Ledger),
  ...((await built('verify/verify-ledger.js')) as typeof Verify),
});
