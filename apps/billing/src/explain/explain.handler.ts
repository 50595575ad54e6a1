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
import { PriceBook } from '../settle/price-book.js';
import { readChargeHistory } from './charge-history.js';
import { explainAttempts, type ExplainedAttempt } from './explain-attempts.js';
import { explainCharges } from './explain-generation.js';
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
    @Inject(PriceBook) private readonly prices: PriceBook,
    @Inject(BILLING_WRITER) private readonly writer: Database,
  ) {}

  /** No charges: nothing of it is settled yet, or nothing reached a provider. */
  @Handles(BillingGenerationExplain)
  async explain({ principal, workspaceId, generationId }: ExplainRequest) {
    mustBeOwn(principal, workspaceId);
    const { charges, attempts } = await this.reader.asWorkspace(workspaceId, async (runner) => {
      const rows = await readChargeHistory(runner, workspaceId, generationId);
      const priceOf = await this.prices.of(
        runner,
        rows.map((row) => row.price_version),
      );
      return { charges: explainCharges(rows), attempts: explainAttempts(rows, priceOf) };
    });
    return {
      charges: charges.map(({ amount, hold, settledAtMs, ...rest }) => ({
        ...rest,
        amount: amount.toString(),
        holdPicodollars: hold.toString(),
        settledAt: settledAtMs,
      })),
      attempts: attempts.map(onWire),
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

const partsOnWire = ({
  credits,
  waste,
  variance,
  byok,
}: Pick<ExplainedAttempt, 'credits' | 'waste' | 'variance' | 'byok'>) => ({
  credits: credits.toString(),
  waste: waste.toString(),
  variance: variance.toString(),
  byok: byok.toString(),
});

const leaseOnWire = ({ id, endsAtMs, closedAtMs }: NonNullable<ExplainedAttempt['lease']>) => ({
  id,
  ...(endsAtMs === undefined ? {} : { endsAt: endsAtMs }),
  ...(closedAtMs === undefined ? {} : { closedAt: closedAtMs }),
});

const surchargeOnWire = ({ surcharge }: Pick<ExplainedAttempt, 'surcharge'>) => {
  if (surcharge === undefined) return {};
  const { amount, ...rate } = surcharge;
  return { surcharge: { ...rate, amountPicodollars: amount.toString() } };
};

const onWire = ({ lines, cost, surcharge, unbilled, hold, lease, quotas, revisions, ...rest }: ExplainedAttempt) => ({
  ...rest,
  ...partsOnWire(rest),
  lines: lines.map(({ unitPicodollars, amountPicodollars, ...line }) => ({
    ...line,
    unitPicodollars: unitPicodollars.toString(),
    amountPicodollars: amountPicodollars.toString(),
  })),
  cost: cost.toString(),
  ...surchargeOnWire(surcharge === undefined ? {} : { surcharge }),
  unbilled: unbilled.toString(),
  hold: hold.toString(),
  ...(lease === undefined ? {} : { lease: leaseOnWire(lease) }),
  quotas: [...quotas],
  revisions: revisions.map(({ settledAtMs, surcharge: more, ...revision }) => ({
    ...revision,
    ...partsOnWire(revision),
    ...(more === undefined ? {} : { surcharge: more.toString() }),
    settledAt: settledAtMs,
  })),
});
