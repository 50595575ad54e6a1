// "Why was I charged" over the bus.
import { Controller, Inject } from '@nestjs/common';
import { BillingGenerationExplain, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER } from '../tokens.js';
import { explainGeneration } from './explain-generation.js';

interface ExplainRequest {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly generationId: string;
}

@Controller()
export class ExplainHandler {
  constructor(@Inject(BILLING_READER) private readonly reader: Database) {}

  /** No charges: nothing of it is settled yet, or nothing reached a provider. */
  @Handles(BillingGenerationExplain)
  async explain({ principal, workspaceId, generationId }: ExplainRequest) {
    mustBeOwn(principal, workspaceId);
    const charges = await this.reader.asWorkspace(workspaceId, (runner) =>
      explainGeneration(runner, workspaceId, generationId),
    );
    return {
      charges: charges.map(({ amount, hold, settledAtMs, ...rest }) => ({
        ...rest,
        amount: amount.toString(),
        holdPicodollars: hold.toString(),
        settledAt: settledAtMs,
      })),
    };
  }
}
