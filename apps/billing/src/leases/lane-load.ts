// How busy the lease lane is. Settlement reads it: both share an event loop, a database and its cores, and somebody waits for a lease.

export class LaneLoad {
  #workedMs = 0;
  #sinceMs: number | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** One transaction of the lane; there is never a second beside it. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#sinceMs = this.now();
    try {
      return await work();
    } finally {
      this.#workedMs += this.now() - this.#sinceMs;
      this.#sinceMs = undefined;
    }
  }

  /** For how long it has worked by now, with what is under way. */
  get workedMs(): number {
    return this.#workedMs + (this.#sinceMs === undefined ? 0 : this.now() - this.#sinceMs);
  }
}
