// Rebuilding what is folded, over the bus, for the operator. The sums of days are made anew with it.
import { Controller, Inject } from '@nestjs/common';
import { BillingLedgerRebuild } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { rebuildDays } from '../activity/roll-days.js';
import { BILLING_WRITER } from '../tokens.js';
import { rebuildLedger } from './rebuild-ledger.js';

const DIFFERENCE_UNITS_MAX = 512;

@Controller()
export class RebuildHandler {
  constructor(@Inject(BILLING_WRITER) private readonly database: Database) {}

  @Handles(BillingLedgerRebuild)
  async rebuild({ repair }: { readonly repair: boolean }) {
    const { differences, ...report } = await rebuildLedger(this.database, repair);
    if (repair) await rebuildDays(this.database, Date.now());
    return { ...report, differences: differences.map((each) => each.slice(0, DIFFERENCE_UNITS_MAX)) };
  }
}
