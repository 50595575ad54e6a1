// Virtual time: what is to happen, in order. Nothing waits, and a week takes as long as its events take to compute.

export interface Timeline {
  readonly nowMs: number;
  /** What is due at the same moment happens in the order in which it was said. */
  at(ms: number, happen: () => void): void;
  /** Until nothing is left that is due before `untilMs`. */
  run(untilMs: number): void;
}

interface Due {
  readonly ms: number;
  readonly order: number;
  readonly happen: () => void;
}

const isBefore = (a: Due, b: Due): boolean => a.ms < b.ms || (a.ms === b.ms && a.order < b.order);

/** A binary heap, the soonest at the top. */
export const createTimeline = (beginsMs: number): Timeline => {
  const heap: Due[] = [];
  let nowMs = beginsMs;
  let order = 0;

  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };
  const comesBefore = (a: number, b: number): boolean => {
    const [one, other] = [heap[a], heap[b]];
    return one !== undefined && other !== undefined && isBefore(one, other);
  };

  const takeFirst = (): Due | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let least = at;
      if (comesBefore(left, least)) least = left;
      if (comesBefore(left + 1, least)) least = left + 1;
      if (least === at) return first;
      swap(at, least);
      at = least;
    }
  };

  return {
    get nowMs() {
      return nowMs;
    },
    at(ms, happen) {
      heap.push({ ms: Math.max(ms, nowMs), order: order++, happen });
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!comesBefore(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    run(untilMs) {
      for (let next = heap[0]; next !== undefined && next.ms < untilMs; next = heap[0]) {
        takeFirst();
        nowMs = next.ms;
        next.happen();
      }
      nowMs = untilMs;
    },
  };
};
