import { Watermark } from './watermark.js';

test('nothing is known before the first progress', () => {
  expect(new Watermark().throughMs).toBe(0);
});

test('a drained journal is settled up to the moment of asking', () => {
  const watermark = new Watermark();
  watermark.note(1_000, { ackFloor: 7, lastSequence: 7 });
  expect(watermark.throughMs).toBe(1_000);
  watermark.note(2_000, { ackFloor: 7, lastSequence: 7 });
  expect(watermark.throughMs).toBe(2_000);
});

test('a journal that is behind moves the mark only when all that was stored at that moment is settled', () => {
  const watermark = new Watermark();
  watermark.note(1_000, { ackFloor: 0, lastSequence: 10 });
  watermark.note(2_000, { ackFloor: 9, lastSequence: 30 });
  expect(watermark.throughMs).toBe(0);
  watermark.note(3_000, { ackFloor: 10, lastSequence: 40 });
  expect(watermark.throughMs).toBe(1_000);
  watermark.note(4_000, { ackFloor: 39, lastSequence: 60 });
  expect(watermark.throughMs).toBe(1_000);
  watermark.note(5_000, { ackFloor: 40, lastSequence: 80 });
  expect(watermark.throughMs).toBe(3_000);
});

test('an acked floor that stands still never moves the mark', () => {
  const watermark = new Watermark();
  for (let at = 1_000; at < 20_000; at += 1_000) watermark.note(at, { ackFloor: 5, lastSequence: 6 + at });
  expect(watermark.throughMs).toBe(0);
});
