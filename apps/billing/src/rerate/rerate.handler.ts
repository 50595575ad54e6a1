// Re-rating over the bus, for the operator: plan, apply until it is finished, report, stop.
import { Controller, Inject } from '@nestjs/common';
import {
  BillingRerateApply,
  BillingReratePlan,
  BillingRerateReport,
  BillingRerateStop,
  type RerateDifference,
  type RerateSelection,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { BILLING_WRITER } from '../tokens.js';
import { applyRerate, type ApplyBounds } from './apply-rerate.js';
import { differencesCsv } from './difference.js';
import { planRerate } from './plan-rerate.js';
import { reportRerate } from './report-rerate.js';
import { endRun, mustFindRun, runInfo } from './rerate-runs.js';
import type { Place } from './selected-charges.js';

/** A call answers well within the time that a caller waits. */
const BOUNDS: ApplyBounds = { batchAttempts: 500, forMs: 500 };
const PAGE = 200;

interface Page {
  readonly after?: Place | undefined;
  readonly limit?: number | undefined;
  readonly format?: 'json' | 'csv' | undefined;
}
interface PlanRequest extends Page {
  readonly selection: RerateSelection;
  readonly priceVersion: string;
}
interface ApplyRequest {
  readonly rerateId: string;
  readonly selection: RerateSelection;
  readonly priceVersion: string;
  readonly reason: string;
}
interface ReportRequest extends Page {
  readonly rerateId: string;
}

const inFormat = (differences: RerateDifference[], { format, after }: Page) =>
  format === 'csv' ? { differences: [], csv: differencesCsv(differences, after === undefined) } : { differences };

@Controller()
export class RerateHandler {
  /** The writer's connection: a reader sees one workspace at a time. */
  constructor(@Inject(BILLING_WRITER) private readonly database: Database) {}

  @Handles(BillingReratePlan)
  async plan({ selection, priceVersion, ...page }: PlanRequest) {
    const { differences, ...rest } = await planRerate(
      this.database,
      { selection, priceVersion },
      { after: page.after, limit: page.limit ?? PAGE, nowMs: Date.now() },
    );
    return { ...rest, ...inFormat(differences, page) };
  }

  @Handles(BillingRerateApply)
  async apply({ rerateId, selection, priceVersion, reason }: ApplyRequest) {
    const wanted = { id: rerateId, selection, priceVersion, reason };
    return { run: runInfo(await applyRerate(this.database, wanted, BOUNDS, Date.now())) };
  }

  @Handles(BillingRerateStop)
  async stop({ rerateId }: Pick<ApplyRequest, 'rerateId'>) {
    const run = await this.database.transaction(async (runner) => {
      await mustFindRun(runner, rerateId, true);
      await endRun(runner, rerateId, 'stopped');
      return mustFindRun(runner, rerateId);
    });
    return { run: runInfo(run) };
  }

  @Handles(BillingRerateReport)
  async report({ rerateId, ...page }: ReportRequest) {
    const { differences, ...rest } = await reportRerate(this.database, rerateId, {
      after: page.after,
      limit: page.limit ?? PAGE,
    });
    return { ...rest, ...inFormat(differences, page) };
  }
}
