// Slices that may lie idle at other ingresses are called back before anybody is refused. A lease is called once: what it then still holds is claimed.
// Invariant: nobody waits for an ingress that does not answer longer than once, and for no more than `waitMs`.

/** An open lease that may hold more than is claimed. */
export interface Holder {
  readonly leaseId: string;
  readonly instance: string;
}

export interface RecallOptions {
  /** Asks an ingress to give back what no hold claims. May be lost. */
  readonly recall: (instance: string, leaseIds: readonly string[]) => void;
  /** How long a refusal waits for what was called back. */
  readonly waitMs: number;
  /** Monotonic. */
  readonly now: () => number;
}

/** Leases that were called and are remembered. */
const REMEMBERED_MAX = 10_000;
const IDS_PER_SIGNAL_MAX = 256;

interface Parked<Item> {
  readonly item: Item;
  readonly awaited: Set<string>;
  readonly timer: NodeJS.Timeout;
}

export class Recalls<Item> {
  readonly #options: RecallOptions;
  readonly #resume: (item: Item) => void;
  /** When each lease was called, oldest first. */
  readonly #called = new Map<string, number>();
  readonly #parked = new Set<Parked<Item>>();

  constructor(options: RecallOptions, resume: (item: Item) => void) {
    this.#options = options;
    this.#resume = resume;
  }

  /** Calls these leases and keeps the item until they have answered or the time is over; false where none of them is worth a wait. */
  park(item: Item, holders: readonly Holder[]): boolean {
    const { now, waitMs } = this.#options;
    const nowMs = now();
    this.#call(
      holders.filter(({ leaseId }) => !this.#called.has(leaseId)),
      nowMs,
    );
    const awaited = holders.filter(({ leaseId }) => nowMs - (this.#called.get(leaseId) ?? -Infinity) < waitMs);
    if (awaited.length === 0) return false;
    const parked: Parked<Item> = {
      item,
      awaited: new Set(awaited.map(({ leaseId }) => leaseId)),
      timer: setTimeout(() => this.#release(parked), waitMs),
    };
    this.#parked.add(parked);
    return true;
  }

  /** A lease was given back. */
  returned(leaseId: string): void {
    for (const parked of this.#parked) {
      if (parked.awaited.delete(leaseId) && parked.awaited.size === 0) this.#release(parked);
    }
  }

  #release(parked: Parked<Item>): void {
    clearTimeout(parked.timer);
    if (this.#parked.delete(parked)) this.#resume(parked.item);
  }

  #call(holders: readonly Holder[], nowMs: number): void {
    const byInstance = new Map<string, string[]>();
    for (const { leaseId, instance } of holders) {
      this.#called.set(leaseId, nowMs);
      byInstance.set(instance, [...(byInstance.get(instance) ?? []), leaseId]);
    }
    for (const [instance, leaseIds] of byInstance) {
      for (let at = 0; at < leaseIds.length; at += IDS_PER_SIGNAL_MAX)
        this.#options.recall(instance, leaseIds.slice(at, at + IDS_PER_SIGNAL_MAX));
    }
    for (const oldest of this.#called.keys()) {
      if (this.#called.size <= REMEMBERED_MAX) return;
      this.#called.delete(oldest);
    }
  }
}
