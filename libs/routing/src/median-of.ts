// The middle of many numbers without putting them in order: Hoare's selection, which looks at each a few times. Of thousands of endpoints this is asked for each plan.

/** Puts the element that sorting would put at `place` there, with none larger before it and none smaller behind it. */
const select = (values: Float64Array, place: number): void => {
  let [from, to] = [0, values.length - 1];
  while (from < to) {
    const pivot = values[(from + to) >> 1] ?? 0;
    let [left, right] = [from, to];
    while (left <= right) {
      while ((values[left] ?? pivot) < pivot) left += 1;
      while ((values[right] ?? pivot) > pivot) right -= 1;
      if (left > right) break;
      const moved = values[left] ?? 0;
      values[left] = values[right] ?? 0;
      values[right] = moved;
      left += 1;
      right -= 1;
    }
    // Between the two parts stand only elements that equal the pivot.
    if (place <= right) to = right;
    else if (place >= left) from = left;
    else return;
  }
};

/** Of an even number the mean of the two in the middle; zero of none. Puts the values into another order. */
export const medianOf = (values: Float64Array): number => {
  const middle = values.length >> 1;
  select(values, middle);
  const upper = values[middle] ?? 0;
  if (values.length % 2 === 1) return upper;
  let lower = values[0] ?? upper;
  for (let place = 1; place < middle; place += 1) lower = Math.max(lower, values[place] ?? lower);
  return (upper + lower) / 2;
};
