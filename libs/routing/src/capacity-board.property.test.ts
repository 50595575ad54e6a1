// What a board keeps of what it added up changes nothing: it says what one says that was never asked before.
import fc from 'fast-check';
import { createCapacityBoard, type CapacityBoard } from './capacity-board.js';

const NOW = 1_700_000_000_000;
const IDS = ['a', 'b'];

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('hear' as const),
      instance: fc.constantFrom('w1', 'w2'),
      /** How far the clock of the worker is off: it may jump. */
      offMs: fc.constantFrom(0, 3, 4_000),
      capacity: fc.array(
        fc.record({
          id: fc.constantFrom(...IDS),
          inFlight: fc.nat(3),
          slots: fc.array(fc.record({ back: fc.nat(14), requests: fc.nat(9), tokens: fc.nat(900) }), { maxLength: 4 }),
        }),
        { maxLength: 2 },
      ),
    }),
    fc.record({
      kind: fc.constant('ask' as const),
      id: fc.constantFrom(...IDS),
      /** Of the route that asks: one may ask for several credentials, after the catalog has changed. */
      place: fc.nat(1),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(-300, 1, 900, 2_990, 5_000, 30_000, 61_000) }),
  ),
  { maxLength: 40 },
);

it('says of every credential at every moment what a board says that is asked for the first time', () =>
  fc.assert(
    fc.property(steps, (all) => {
      const heard: ((board: CapacityBoard) => void)[] = [];
      const board = createCapacityBoard();
      let nowMs = NOW;
      for (const step of all) {
        if (step.kind === 'wait') nowMs += step.ms;
        else if (step.kind === 'hear') {
          const atMs = nowMs;
          const clockMs = nowMs - NOW + 1_000_000 + step.offMs;
          const capacity = step.capacity.map(({ id, inFlight, slots }) => ({
            ...{ id, inFlight },
            slots: slots.map(({ back, ...counted }) => ({ slot: Math.floor(clockMs / 5_000) - back, ...counted })),
          }));
          const hear = (each: CapacityBoard): void => each.hear({ instance: step.instance, clockMs, capacity }, atMs);
          heard.push(hear);
          hear(board);
        } else {
          const fresh = createCapacityBoard();
          for (const hear of heard) hear(fresh);
          const limits = { requestsPerMinute: step.limit, inFlight: step.limit };
          const told = board.fullOf(step.id, limits, 1, nowMs, step.place);
          expect([board.useOf(step.id, nowMs), told]).toEqual([
            fresh.useOf(step.id, nowMs),
            fresh.fullOf(step.id, limits, 1, nowMs),
          ]);
        }
      }
    }),
    { numRuns: 500 },
  ));
