// The story of settlement: a batch of facts comes off the bus, is settled in one transaction, and is acked after the commit. A batch that cannot be settled now
// waits on the bus and comes again. A bad line never holds up the others. Where leases are asked for, settlement gives way (settle/pace.ts).
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ConsumedLine, Consumer } from '@waystation/bus';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, batchSpan, messagingOf, type AppContext, type Cell } from '@waystation/runtime';
import type { BillingConfig } from './config.js';
import { LaneLoad } from './leases/lane-load.js';
import { SettlePace } from './settle/pace.js';
import { PriceBook } from './settle/price-book.js';
import type { SettleTimes } from './settle/read-lines.js';
import { settleLines } from './settle/settle-lines.js';
import { tellSettled } from './settle/tell-settled.js';
import { BILLING_WRITER } from './tokens.js';
import { DISAGREEMENT_KINDS, type DisagreementKind } from './witnesses/compare-witnesses.js';

const MESSAGES_IN_FLIGHT_MAX = 1_000;
/** Nobody waits for a settlement: a fuller batch costs less. */
const LINGER_MS = 250;
/** How long a finished attempt waits for its other witness. */
const WITNESS_WAIT_MS = 15_000;
/** How long after its deadline an attempt of which nothing more was heard is settled from what is known. */
const GRACE_MS = 30_000;

/** The waiting times of settlement under the scale of this process. */
export const settleTimesOf = ({ scaleMs }: Pick<AppContext<unknown>, 'scaleMs'>): SettleTimes => ({
  witnessWaitMs: Math.ceil(scaleMs(WITNESS_WAIT_MS)),
  graceMs: Math.ceil(scaleMs(GRACE_MS)),
});

@Injectable()
export class SettleHandler implements OnApplicationBootstrap, OnApplicationShutdown {
  #consumer: Consumer | undefined;
  #lagMs = 0;
  readonly #times: SettleTimes;
  readonly #pace: SettlePace;
  readonly #settled: Cell;
  readonly #corrected: Cell;
  readonly #deadLetters: Cell;
  readonly #retries: Cell;
  readonly #disagreements: ReadonlyMap<DisagreementKind, Cell>;
  readonly #batchLines: { observe(value: number): void };
  readonly #seconds: { observe(value: number): void };

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
    @Inject(PriceBook) private readonly prices: PriceBook,
    @Inject(LaneLoad) lane: LaneLoad,
  ) {
    const { metrics } = context;
    this.#times = settleTimesOf(context);
    this.#pace = new SettlePace(lane);
    this.#settled = metrics.counter('waystation_billing_settled_attempts_total');
    this.#corrected = metrics.counter('waystation_billing_corrections_total');
    this.#deadLetters = metrics.counter('waystation_billing_dead_letters_total');
    this.#retries = metrics.counter('waystation_billing_settle_retries_total');
    this.#disagreements = new Map(
      DISAGREEMENT_KINDS.map((kind) => [
        kind,
        metrics.counter('waystation_billing_witness_disagreements_total', { kind }),
      ]),
    );
    this.#batchLines = metrics.histogram('waystation_billing_settle_batch_lines');
    this.#seconds = metrics.histogram('waystation_billing_settle_seconds');
    metrics.gauge('waystation_billing_settle_lag_seconds', () => this.lagSeconds);
  }

  async onApplicationBootstrap(): Promise<void> {
    const options = {
      batchLines: () => this.#pace.lines,
      maxInFlight: MESSAGES_IN_FLIGHT_MAX,
      lingerMs: this.context.scaleMs(LINGER_MS),
    };
    this.#consumer = await this.context.bus.consume('FACTS', options, (lines) => this.settle(lines));
  }

  /** Of the FACTS stream; undefined until it is consumed. */
  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** Age of the oldest line of the last batch when it was committed. */
  get lagSeconds(): number {
    return this.#lagMs / 1000;
  }

  settle(lines: readonly ConsumedLine[]): Promise<void> {
    return this.#pace.settle(() => this.#settleNow(lines));
  }

  async #settleNow(lines: readonly ConsumedLine[]): Promise<void> {
    const begun = performance.now();
    try {
      const { settled, corrected, bad, disagreements, leftOpen } = await batchSpan(
        'settle',
        messagingOf('FACTS', lines.length),
        lines,
        () => settleLines(this.database, this.prices, lines, this.#times),
      );
      tellSettled(this.context.bus, leftOpen);
      this.#settled.value += settled;
      this.#corrected.value += corrected;
      this.#deadLetters.value += bad.length;
      for (const kind of disagreements) {
        const cell = this.#disagreements.get(kind);
        if (cell !== undefined) cell.value += 1;
      }
      for (const { position, instance, reason } of bad)
        this.context.log.warn({ position, instance, reason }, 'a money line became a dead letter');
    } catch (error) {
      this.#retries.value += 1;
      this.context.log.warn(
        { err: error, lines: lines.length },
        'a batch of facts could not be settled now; it stays on the bus',
      );
      throw error;
    }
    this.#batchLines.observe(lines.length);
    this.#seconds.observe((performance.now() - begun) / 1000);
    this.#lagMs = lagOf(lines, Date.now());
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#consumer?.drain();
  }
}

const lagOf = (lines: readonly ConsumedLine[], nowMs: number): number => {
  const [first] = lines;
  const line = first?.line;
  return typeof line === 'object' && line !== null && 'at' in line && typeof line.at === 'number'
    ? Math.max(0, nowMs - line.at)
    : 0;
};
