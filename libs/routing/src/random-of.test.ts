// The random source of a plan: the same for the same generation, and as even over generations as any other.
import { randomOf } from './random-of.js';

const idOf = (each: number): string => `gen-1700000000-${String(each).padStart(20, '0')}`;

it('draws the same numbers for the same generation, and others for another', () => {
  const drawn = (id: string): number[] => {
    const random = randomOf(id);
    return [random(), random(), random()];
  };
  expect(drawn(idOf(1))).toEqual(drawn(idOf(1)));
  expect(new Set([...drawn(idOf(1)), ...drawn(idOf(2))]).size).toBe(6);
});

it.each([0, 1, 7])(
  'spreads draw %i evenly over generations whose ids differ in little, whatever the draw before was',
  (before) => {
    const tenths = new Map<string, number>();
    const generations = 20_000;
    for (let each = 0; each < generations; each += 1) {
      const random = randomOf(idOf(each));
      for (let draw = 0; draw < before; draw += 1) random();
      const pair = `${Math.floor(random() * 10)} ${Math.floor(random() * 10)}`;
      tenths.set(pair, (tenths.get(pair) ?? 0) + 1);
    }
    expect(tenths.size).toBe(100);
    // 200 each: five standard deviations.
    for (const count of tenths.values()) expect(Math.abs(count - generations / 100)).toBeLessThan(5 * Math.sqrt(200));
  },
);
