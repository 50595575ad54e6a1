// One coarse clock for all timeouts of a client: a timer for each read would cost more than the read. A timeout is a count of ticks, set anew by an assignment.
// Invariant: it runs only while it is needed, and holds the process up only while a call is in flight.

const TICK_MS = 100;

/** Never too early, and late by two ticks at most. 0 for no limit. */
export const ticksOf = (ms: number): number => (ms > 0 ? Math.ceil(ms / TICK_MS) + 1 : 0);

export class Ticker {
  /** @returns whether ticks are still needed */
  readonly #onTick: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;

  constructor(onTick: () => boolean) {
    this.#onTick = onTick;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      if (!this.#onTick()) this.stop();
    }, TICK_MS);
    if (this.#calls === 0) this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  callBegan(): void {
    this.#calls += 1;
    if (this.#calls === 1) this.#timer?.ref();
  }

  callEnded(): void {
    this.#calls -= 1;
    if (this.#calls === 0) this.#timer?.unref();
  }
}
