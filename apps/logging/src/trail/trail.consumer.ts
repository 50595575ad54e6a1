// Moves the trail from the bus to Postgres. Lines are acked after their commit; a batch that cannot be written now waits on the bus and comes again. Nothing
// here is in the way of money: the trail is bounded and drops its oldest.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { provisionStreams, type ConsumedLine, type Consumer } from '@waystation/bus';
import { APP_CONTEXT, batchSpan, messagingOf, type AppContext, type Cell } from '@waystation/runtime';
import type { Database } from '@waystation/postgres';
import type { LoggingConfig } from '../config.js';
import { PARTITIONS_EVERY_MS, keepPartitions } from '../partitions/keep-partitions.js';
import { LOGGING_WRITER } from '../tokens.js';
import { sortLines, type GoodLine } from './sort-lines.js';
import { storeLines } from './store-lines.js';

const BATCH_LINES = 1_000;
const MESSAGES_IN_FLIGHT_MAX = 1_000;
/** A record nobody waits for may wait a moment: fuller batches cost less. */
const LINGER_MS = 500;
const PENDING_EVERY_MS = 2_000;

const finishedAt = ({ line }: GoodLine): number => line.createdAt + line.generationTimeMs;

@Injectable()
export class TrailConsumer implements OnApplicationBootstrap, OnApplicationShutdown {
  private consumer: Consumer | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private pending = 0;
  private lagMs = 0;
  private readonly stored: Cell;
  private readonly deadLetters: Cell;
  private readonly retries: Cell;
  private readonly storeSeconds: { observe(value: number): void };

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<LoggingConfig>,
    @Inject(LOGGING_WRITER) private readonly writer: Database,
  ) {
    const { metrics } = context;
    this.stored = metrics.counter('waystation_logging_trail_lines_total');
    this.deadLetters = metrics.counter('waystation_logging_trail_dead_letters_total');
    this.retries = metrics.counter('waystation_logging_trail_retries_total');
    this.storeSeconds = metrics.histogram('waystation_logging_trail_store_seconds');
    metrics.gauge('waystation_logging_trail_pending', () => this.pending);
    context.health.show('trail', () => [{ pending: this.pending, 'lag, seconds': this.lagMs / 1000 }]);
    metrics.gauge('waystation_logging_trail_lag_seconds', () => this.lagMs / 1000);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { bus, scaleMs } = this.context;
    await this.keepPartitions();
    await provisionStreams(bus, {}, ['TRAIL']);
    this.consumer = await bus.consume(
      'TRAIL',
      { batchLines: BATCH_LINES, maxInFlight: MESSAGES_IN_FLIGHT_MAX, lingerMs: scaleMs(LINGER_MS) },
      (lines) => this.store(lines),
    );
    this.every(PARTITIONS_EVERY_MS, () => this.keepPartitions());
    this.every(scaleMs(PENDING_EVERY_MS), () => this.readPending());
  }

  async onApplicationShutdown(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.consumer?.drain();
  }

  private every(ms: number, work: () => Promise<void>): void {
    this.timers.push(setInterval(() => void work(), ms).unref());
  }

  private async store(lines: readonly ConsumedLine[]): Promise<void> {
    const startedAt = performance.now();
    const { good, bad } = sortLines(lines);
    let dead;
    try {
      dead = await batchSpan('record', messagingOf('TRAIL', lines.length), lines, () =>
        storeLines(this.writer, good, bad),
      );
    } catch (error) {
      this.retries.value += 1;
      throw error;
    }
    this.storeSeconds.observe((performance.now() - startedAt) / 1000);
    this.stored.value += lines.length - dead.length;
    this.deadLetters.value += dead.length;
    if (good.length > 0) this.lagMs = Math.max(0, Date.now() - Math.max(...good.map(finishedAt)));
    for (const { position, instance, reason } of dead)
      this.context.log.warn({ position, instance, reason }, 'A trail line went to the dead letters.');
  }

  private async keepPartitions(): Promise<void> {
    try {
      const made = await keepPartitions(this.writer, Date.now());
      if (made > 0) this.context.log.info({ made }, 'Made daily partitions.');
    } catch (error) {
      this.context.log.warn(
        { err: error },
        'Daily partitions could not be made; rows of a day without one go to the default partition.',
      );
    }
  }

  private async readPending(): Promise<void> {
    try {
      this.pending = (await this.consumer?.pending()) ?? 0;
    } catch {
      // The bus is away, and says so itself; the gauge keeps its last value.
    }
  }
}
