// What `filter` gives, in a list that need not grow: of thousands of routes nearly all are kept, and a list that grows is copied a dozen times.
export const kept = <Item>(items: readonly Item[], keep: (item: Item) => boolean): Item[] => {
  const left = items.slice();
  let count = 0;
  for (const item of items) {
    if (!keep(item)) continue;
    left[count] = item;
    count += 1;
  }
  left.length = count;
  return left;
};
