// "Why was I charged" over the bus.
import { Controller, Inject } from '@nestjs/common';
import {
  BillingGenerationExplain,
  BillingGenerationStory,
  WaystationError,
  type Principal,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER, BILLING_WRITER } from '../tokens.js';
import { explainGeneration } from './explain-generation.js';
import { tellStory } from './tell-story.js';

const LINES_MAX = 1_000;
const LINE_UNITS_MAX = 1_024;

interface ExplainRequest {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly generationId: string;
}

@Controller()
export class ExplainHandler {
  constructor(
    @Inject(BILLING_READER) private readonly reader: Database,
    @Inject(BILLING_WRITER) private readonly writer: Database,
  ) {}

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

  /** For the operator, who knows the generation and not its workspace: the writer's connection sees all of them. */
  @Handles(BillingGenerationStory)
  async story({ generationId }: { readonly generationId: string }) {
    const lines = await this.writer.transaction((runner) => tellStory(runner, generationId));
    if (lines.length === 0)
      throw new WaystationError('not_found', `Nothing of generation ${generationId} reached the ledger.`);
    return { lines: lines.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_UNITS_MAX)) };
  }
}
