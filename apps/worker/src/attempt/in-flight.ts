// The attempts that run in this worker: how many there may be, their progress for the journal, and their end when the process must stop.
import type { Journal } from '@waystation/bus';
import { WaystationError, type AttemptRunRequest, type MoneyLine } from '@waystation/contracts';
import type { Allowance } from './allowance.js';
import { attemptProgressedLine } from './money-lines.js';
import type { Relay } from './relay.js';

interface Running {
  readonly request: AttemptRunRequest;
  readonly relay: Relay;
  readonly allowance: Allowance | undefined;
  told: number;
}

export interface InFlightOptions {
  readonly attemptsMax: number;
  /** An attempt older than this tells its progress this often. */
  readonly progressEveryMs: number;
  readonly facts: Journal<MoneyLine>;
}

export class InFlight {
  readonly #running = new Set<Running>();
  readonly #options: InFlightOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: InFlightOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tellProgress(), options.progressEveryMs).unref();
  }

  get count(): number {
    return this.#running.size;
  }

  get drainingCount(): number {
    let count = 0;
    for (const { relay } of this.#running) if (relay.draining) count += 1;
    return count;
  }

  get hasRoom(): boolean {
    return this.#running.size < this.#options.attemptsMax;
  }

  /** Returns how to take it out again. */
  add(request: AttemptRunRequest, relay: Relay, allowance?: Allowance): () => void {
    const running: Running = { request, relay, allowance, told: 0 };
    this.#running.add(running);
    return () => void this.#running.delete(running);
  }

  /** The process ends now. What was delivered is journalled and charged; the client may try again. */
  stopAll(): void {
    for (const { relay } of this.#running) {
      relay.stop(new WaystationError('shutting_down', 'The worker that ran this attempt is shutting down. Try again.'));
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** While the journal cannot be written, telling more often would not help. */
  #tellProgress(): void {
    const { facts, progressEveryMs } = this.#options;
    if (!facts.healthy) return;
    for (const running of this.#running) {
      if (running.relay.ageMs < progressEveryMs) continue;
      running.told += 1;
      // A lost one is replaced by the next; the finished line says it all.
      facts
        .appendSoon(
          attemptProgressedLine(
            running.request,
            running.told,
            running.relay.report(),
            Date.now(),
            running.allowance?.held,
          ),
        )
        .catch(() => undefined);
    }
  }
}
