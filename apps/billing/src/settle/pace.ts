// How settlement gives way to leases: the busier their lane, the smaller its transactions, and the longer it rests between two of them. Never inside of one: that
// holds locks, for which leases wait. It keeps a third of the time whatever happens, so that it falls behind a busy lane and never stands still.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaneLoad } from '../leases/lane-load.js';

/** The most, where nobody asks for leases: a fuller batch costs less. */
export const LINES_MAX = 3_000;
/** Where the lane is always busy. */
export const LINES_MIN = 400;
/** Below this part of the time the lane does not mind a full batch; from the other on it is taken for always busy. */
const QUIET = 0.1;
const BUSY = 0.4;
/** Of a batch's own time, where the lane is always busy. */
const REST_MAX = 2;
/** Of a batch that took long for reasons of its own, say a slow disk, the rest is no longer than this. */
const REST_MS_MAX = 250;

export interface Pace {
  /** Of the next batch, at most. */
  readonly lines: number;
  /** From the end of the last batch to the beginning of the next, at least. */
  readonly restMs: number;
}

/** For a lane that worked for this part of the time, and a last batch that took so long. */
export const paceOf = (busyPart: number, tookMs: number): Pace => {
  const need = Math.min(1, Math.max(0, (busyPart - QUIET) / (BUSY - QUIET)));
  return {
    lines: Math.round(LINES_MAX - need * (LINES_MAX - LINES_MIN)),
    restMs: Math.min(REST_MS_MAX, need * REST_MAX * tookMs),
  };
};

export interface PaceOptions {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** Settlement's turns, one after the other. */
export class SettlePace {
  /** From when on the lane is looked at, and what it had worked by then. */
  #from: { readonly atMs: number; readonly workedMs: number };
  #tookMs = 0;
  #endedAtMs: number;

  constructor(
    private readonly lane: Pick<LaneLoad, 'workedMs'>,
    private readonly options: PaceOptions = { now: () => performance.now(), sleep },
  ) {
    this.#endedAtMs = options.now();
    this.#from = { atMs: this.#endedAtMs, workedMs: lane.workedMs };
  }

  /** What the next batch may hold at most. */
  get lines(): number {
    return this.#pace().lines;
  }

  /** Rests as long as leases need it, then settles. */
  async settle<Result>(work: () => Promise<Result>): Promise<Result> {
    const { now } = this.options;
    const leftMs = this.#pace().restMs - (now() - this.#endedAtMs);
    if (leftMs > 0) await this.options.sleep(leftMs);
    const atMs = now();
    this.#from = { atMs, workedMs: this.lane.workedMs };
    try {
      return await work();
    } finally {
      this.#endedAtMs = now();
      this.#tookMs = this.#endedAtMs - atMs;
    }
  }

  /** By what the lane did since the last batch began. */
  #pace(): Pace {
    const passedMs = this.options.now() - this.#from.atMs;
    const workedMs = this.lane.workedMs - this.#from.workedMs;
    return paceOf(passedMs > 0 ? workedMs / passedMs : 0, this.#tookMs);
  }
}
