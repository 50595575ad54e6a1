// Settlement works on thousands of items at once; lease commands wait for the same event loop, once for each of their statements. So long work goes in slices of
// about a millisecond, and between two of them everybody else has a turn.
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MAX = 250;

/** Works on the items in order, slice by slice. Rejects with what `work` throws; later slices are then left alone. */
export const inSlices = async <Item>(
  items: readonly Item[],
  work: (slice: readonly Item[]) => Promise<void> | void,
): Promise<void> => {
  for (let from = 0; from < items.length; from += SLICE_MAX) {
    if (from > 0) await nextTurn();
    await work(items.slice(from, from + SLICE_MAX));
  }
};
