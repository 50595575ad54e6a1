// "Why was I charged" over the bus: one reading and one telling, rendered for customers and for the operator.
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
import { readBooked } from './read-booked.js';
import { readGeneration } from './read-generation.js';
import { renderStory } from './render-story.js';
import { renderWire } from './render-wire.js';
import { tellGeneration } from './tell-generation.js';

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
    const rows = await this.reader.asWorkspace(workspaceId, (runner) =>
      readGeneration(runner, generationId, workspaceId),
    );
    return renderWire(tellGeneration(rows));
  }

  /** For the operator, who knows the generation and not its workspace: the writer's connection sees all of them. */
  @Handles(BillingGenerationStory)
  async story({ generationId }: { readonly generationId: string }) {
    const lines = await this.writer.transaction(async (runner) => {
      const told = tellGeneration(await readGeneration(runner, generationId));
      return renderStory(generationId, told, await readBooked(runner, told));
    });
    if (lines.length === 0)
      throw new WaystationError('not_found', `Nothing of generation ${generationId} reached the ledger.`);
    return { lines: lines.slice(0, LINES_MAX).map((line) => line.slice(0, LINE_UNITS_MAX)) };
  }
}
