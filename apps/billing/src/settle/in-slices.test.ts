// Long work leaves the event loop to others.
import { inSlices } from './in-slices.js';

const items = Array.from({ length: 1_100 }, (_, index) => index);

test('every item is worked on once, in order, whatever their number', async () => {
  for (const count of [0, 1, 249, 250, 251, 1_100]) {
    const seen: number[] = [];
    await inSlices(items.slice(0, count), (slice) => void seen.push(...slice));
    expect(seen).toEqual(items.slice(0, count));
  }
});

test('others have a turn between two slices', async () => {
  const order: string[] = [];
  const work = inSlices(items.slice(0, 500), () => void order.push('slice'));
  setImmediate(() => order.push('other'));
  await work;
  expect(order).toEqual(['slice', 'other', 'slice']);
});

test('a slice that fails ends the work', async () => {
  const seen: number[] = [];
  const work = inSlices(items, (slice) => {
    seen.push(slice.length);
    if (seen.length === 2) throw new Error('no more');
  });
  await expect(work).rejects.toThrow('no more');
  expect(seen).toHaveLength(2);
});
