// Leases over the bus. Refusals are values in the reply; what breaks the protocol is an error.
import { Controller, Inject } from '@nestjs/common';
import {
  LeaseGrant,
  LeaseRecall,
  LeaseRenew,
  LeaseReturn,
  WaystationError,
  type LeaseGrantRequest,
  type LeaseReply,
  type LeaseVector,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, Handles, type AppContext, type Cell, type CellsBy } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { BILLING_WRITER } from '../tokens.js';
import { LaneLoad } from './lane-load.js';
import { LeaseLane, runLeaseCommands, type LaneAnswer, type LaneOptions } from './lease-lane.js';

/** New holds on a lease for so long at most. */
const TAKE_FOR_MS = 60_000;
/** Idle slices come back within a few seconds. */
const RETRY_AFTER_MS = 1_000;
/** An ingress gives idle slices back within a round trip; one that does not is not waited for. */
const RECALL_WAIT_MS = 300;

/** Money fails closed: without its database billing grants nothing, and says that waiting may help. */
const run: typeof runLeaseCommands = (database, commands, options) =>
  runLeaseCommands(database, commands, options).catch((cause: unknown) => {
    if (database.healthy()) throw cause;
    throw new WaystationError('overloaded', 'Billing cannot reach its database; try again.', {
      retryAfterMs: options.retryAfterMs,
      cause,
    });
  });

interface Renewal {
  readonly leaseId: string;
  readonly step: number;
  readonly need: LeaseVector;
  readonly want: LeaseVector;
}
interface Return {
  readonly leaseId: string;
  readonly step: number;
  readonly keep: LeaseVector;
  readonly final: boolean;
}

@Controller()
export class LeasesHandler {
  private readonly lane: LeaseLane;
  private readonly granted: Cell;
  private readonly refusals: CellsBy<Cell>;

  constructor(
    @Inject(APP_CONTEXT) context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) database: Database,
    @Inject(LaneLoad) load: LaneLoad,
  ) {
    const { bus, metrics, scaleMs } = context;
    const options: LaneOptions = {
      takeForMsMax: Math.floor(Math.min(TAKE_FOR_MS, scaleMs(TAKE_FOR_MS))),
      retryAfterMs: Math.ceil(scaleMs(RETRY_AFTER_MS)),
      now: Date.now,
    };
    this.lane = new LeaseLane((commands) => load.during(() => run(database, commands, options)), {
      recall: (instance, leaseIds) => bus.signal(LeaseRecall, instance, { v: 1, leaseIds: [...leaseIds] }),
      waitMs: Math.ceil(scaleMs(RECALL_WAIT_MS)),
      now: () => performance.now(),
    });
    this.granted = metrics.counter('waystation_billing_lease_grants_total');
    this.refusals = metrics.counterBy('waystation_billing_lease_refusals_total');
  }

  @Handles(LeaseGrant)
  async grant(request: LeaseGrantRequest): Promise<LeaseReply> {
    return this.reply(await this.lane.submit({ kind: 'grant', ...request }));
  }

  @Handles(LeaseRenew)
  async renew({ leaseId, step, need, want }: Renewal): Promise<LeaseReply> {
    return this.reply(await this.lane.submit({ kind: 'renew', leaseId, step, need, want }));
  }

  @Handles(LeaseReturn)
  async giveBack({ leaseId, step, keep, final }: Return): Promise<{ leaseId: string; released: LeaseVector }> {
    const answer = await this.lane.submit({ kind: 'return', leaseId, step, keep, final });
    if ('rejected' in answer) throw answer.rejected;
    if (!('released' in answer)) throw new WaystationError('internal', 'A return was answered like a grant.');
    return { leaseId, released: answer.released };
  }

  private reply(answer: LaneAnswer): LeaseReply {
    if ('rejected' in answer) throw answer.rejected;
    if ('released' in answer) throw new WaystationError('internal', 'A grant was answered like a return.');
    if ('refused' in answer) this.refusals.at(answer.refused.code).value += 1;
    else this.granted.value += 1;
    return answer;
  }
}
