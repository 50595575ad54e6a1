// The ledger's self-check over the bus, for the operator.
import { Controller, Inject } from '@nestjs/common';
import { BillingLedgerVerify } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { BILLING_WRITER } from '../tokens.js';
import { verifyLedger } from './verify-ledger.js';

@Controller()
export class VerifyHandler {
  /** The writer's connection: a reader sees one workspace at a time. */
  constructor(@Inject(BILLING_WRITER) private readonly database: Database) {}

  @Handles(BillingLedgerVerify)
  async verify() {
    const { debits, credits, problems, ...counts } = await verifyLedger(this.database);
    return { ...counts, debits: debits.toString(), credits: credits.toString(), problems: [...problems] };
  }
}
