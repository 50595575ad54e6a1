// What witnesses disagree about, over the bus, for the operator.
import { Controller, Inject } from '@nestjs/common';
import { BillingWitnessesDisagreements } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { z } from 'zod';
import { BILLING_WRITER } from '../tokens.js';
import { listDisagreements } from './disagreement-rows.js';

@Controller()
export class DisagreementsHandler {
  /** The writer's connection: a reader sees one workspace at a time. */
  constructor(@Inject(BILLING_WRITER) private readonly database: Database) {}

  @Handles(BillingWitnessesDisagreements)
  async list(which: z.infer<typeof BillingWitnessesDisagreements.request>) {
    const listed = await this.database.transaction((runner) => listDisagreements(runner, which));
    return {
      disagreements: listed.map(({ difference, foundAtMs, ...rest }) => ({
        ...rest,
        difference: difference.toString(),
        foundAt: foundAtMs,
      })),
    };
  }
}
