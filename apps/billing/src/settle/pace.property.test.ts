// Whatever the lane does and however long a batch takes: settlement gives way the more, the busier the lane, and never altogether.
import fc from 'fast-check';
import { LINES_MIN, paceOf } from './pace.js';

test('a busier lane never makes batches larger or rests shorter, and settlement keeps a third of the time', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(part, part, fc.double({ min: 0, max: 60_000, noNaN: true }), (one, other, tookMs) => {
      const [calmer, busier] = [paceOf(Math.min(one, other), tookMs), paceOf(Math.max(one, other), tookMs)];
      expect(busier.lines).toBeLessThanOrEqual(calmer.lines);
      expect(busier.restMs).toBeGreaterThanOrEqual(calmer.restMs);
      expect(busier.restMs).toBeLessThanOrEqual(2 * tookMs);
      expect(busier.lines).toBeGreaterThanOrEqual(LINES_MIN);
    }),
  );
});
