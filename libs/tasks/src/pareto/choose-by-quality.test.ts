// Cheapest above a quality, and the best under a price: tables, and what holds for any candidates.
import fc from 'fast-check';
import { chooseAbove, chooseBest, type RatedCandidate } from './choose-by-quality.js';

/** `name price quality`, a dash where there is no figure. */
const market = (...lines: string[]): RatedCandidate[] =>
  lines.map((line) => {
    const [model = '', price = '0', quality = '-'] = line.split(' ');
    return { model, price: BigInt(price), quality: quality === '-' ? undefined : Number(quality) };
  });
const MARKET = market('free 0 -', 'tiny 1 0.2', 'small 2 0.5', 'odd 3 0.4', 'large 5 0.8', 'other 5 0.7', 'huge 9 0.9');

it.each<[string, number, string[]]>([
  ['everything with a figure', 0, ['tiny', 'small', 'odd']],
  ['what is exactly as good', 0.5, ['small', 'large', 'other']],
  ['the better of what costs the same first', 0.6, ['large', 'other', 'huge']],
  ['one alone', 0.9, ['huge']],
  ['none', 0.91, []],
])('above a figure: %s (%d)', (_, atLeast, expected) => {
  expect(chooseAbove(MARKET, atLeast)).toEqual(expected);
});

it.each<[string, RatedCandidate[], string[]]>([
  ['the best, then cheaper ones of the frontier', MARKET, ['huge', 'large', 'small']],
  ['what is worse and dearer last', market('good 2 0.8', 'worse 3 0.7', 'cheap 1 0.1'), ['good', 'cheap', 'worse']],
  ['alike ones both', market('b 1 0.5', 'a 1 0.5'), ['a', 'b']],
  ['nothing without a figure', market('free 0 -'), []],
])('under a price: %s', (_, candidates, expected) => {
  expect(chooseBest(candidates)).toEqual(expected);
});

const candidates = fc.uniqueArray(
  fc.record({
    model: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    price: fc.bigInt({ min: 0n, max: 20n }),
    quality: fc.option(
      fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
      { nil: undefined },
    ),
  }),
  { selector: ({ model }) => model },
);
const found = (of: readonly RatedCandidate[], models: readonly string[]): RatedCandidate[] =>
  models.flatMap((model) => of.find((each) => each.model === model) ?? []);

it('no model below the figure is ever chosen, the cheapest stand first, and one is found where there is one', () => {
  fc.assert(
    fc.property(candidates, fc.integer({ min: 0, max: 10 }), (offered, tenths) => {
      const atLeast = tenths / 10;
      const able = offered.filter(({ quality }) => quality !== undefined && quality >= atLeast);
      const chosen = found(offered, chooseAbove(offered, atLeast));
      expect(chosen).toHaveLength(Math.min(3, able.length));
      for (const each of chosen) expect(each.quality).toBeGreaterThanOrEqual(atLeast);
      for (const [place, { price }] of chosen.entries()) {
        expect(price >= (chosen[place - 1]?.price ?? 0n)).toBe(true);
        const cheaper = able.filter((each) => each.price < price);
        expect(cheaper.every((each) => chosen.slice(0, place).includes(each))).toBe(true);
      }
      expect(chooseAbove(offered.toReversed(), atLeast)).toEqual(chooseAbove(offered, atLeast));
    }),
  );
});

it('under a price the first is as good as any, and the order of candidates does not matter', () => {
  fc.assert(
    fc.property(candidates, (offered) => {
      const rated = offered.flatMap(({ quality }) => quality ?? []);
      const [first] = found(offered, chooseBest(offered));
      expect(first?.quality).toBe(rated.length === 0 ? undefined : Math.max(...rated));
      expect(chooseBest(offered.toReversed())).toEqual(chooseBest(offered));
    }),
  );
});
