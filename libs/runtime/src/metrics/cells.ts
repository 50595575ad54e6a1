// Numbers in memory that the hot path bumps and a scrape reads.

/** `cell.value += 1` is the whole cost on the hot path. */
export interface Cell {
  value: number;
}

/** Money is added up exactly, and becomes a number where it is shown. */
export class UsdCell {
  picodollars = 0n;

  get value(): number {
    return Number(this.picodollars) / 1e12;
  }
}

/** A measurement that a trace explains. */
export interface Exemplar {
  readonly labelSet: { readonly trace_id: string };
  readonly value: number;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** Counts by bound. prom-client's own histogram validates and hashes its labels on every observation. */
export class HistogramCell {
  readonly bounds: readonly number[];
  /** How many fell at or under each bound and above the one before; the last for those above all. */
  readonly counts: number[];
  /** The last of each bucket that was traced. */
  readonly exemplars: (Exemplar | undefined)[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
    this.exemplars = new Array<Exemplar | undefined>(bounds.length + 1);
  }

  /** A binary search over the bounds. */
  observe(value: number, traceId?: string): void {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (this.bounds[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += value;
    if (traceId !== undefined)
      this.exemplars[low] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 };
  }
}
