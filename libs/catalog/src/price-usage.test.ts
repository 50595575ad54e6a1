// Price × usage: a table of exact amounts, and the properties that money stands on.
import { createHash } from 'node:crypto';
import type { PriceVector } from '@waystation/contracts';
import { USAGE_CLASSES, type Usage } from '@waystation/generation';
import fc from 'fast-check';
import { boundCost, canonicalPriceJson, itemise, priceUsage, priceVersionOf } from './price-usage.js';

const sha256hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

const plain: PriceVector = { perUnit: { input: '150000', output: '600000' } };
const full: PriceVector = {
  perUnit: {
    input: '10',
    cacheRead: '1',
    cacheWrite: '12',
    cacheWrite1h: '20',
    output: '40',
    reasoning: '50',
    audioInput: '90',
    audioOutput: '95',
    imageInput: '11',
    imageOutput: '97',
  },
};
const tiered: PriceVector = {
  perUnit: { input: '10', output: '40' },
  perRequest: '1000',
  tiers: [
    { aboveInputTokens: 200, perUnit: { input: '20', output: '60', cacheRead: '3' } },
    { aboveInputTokens: 100, perUnit: { input: '15', output: '50' } },
  ],
};

const cases: readonly [name: string, price: PriceVector, usage: Usage, expected: bigint][] = [
  ['tokens are multiplied exactly', plain, { input: 1000, output: 500 }, 450_000_000n],
  ['no usage costs nothing', plain, {}, 0n],
  ['cache reads without a price of their own cost what input costs', plain, { cacheRead: 3 }, 450_000n],
  ['cache writes without a price of their own cost what input costs', plain, { cacheWrite: 3 }, 450_000n],
  ['one-hour cache writes without a price of their own cost what input costs', plain, { cacheWrite1h: 3 }, 450_000n],
  ['audio input without a price of its own costs what input costs', plain, { audioInput: 3 }, 450_000n],
  ['image input without a price of its own costs what input costs', plain, { imageInput: 3 }, 450_000n],
  ['reasoning without a price of its own costs what output costs', plain, { reasoning: 3 }, 1_800_000n],
  ['audio output without a price of its own costs what output costs', plain, { audioOutput: 3 }, 1_800_000n],
  ['image output without a price of its own costs what output costs', plain, { imageOutput: 3 }, 1_800_000n],
  [
    'every class with a price of its own uses it',
    full,
    Object.fromEntries(USAGE_CLASSES.map((name) => [name, 1])),
    10n + 1n + 12n + 20n + 40n + 50n + 90n + 95n + 11n + 97n,
  ],
  [
    'a price of zero is a price and not a missing one',
    { perUnit: { input: '10', cacheRead: '0', output: '1' } },
    { cacheRead: 5, input: 1 },
    10n,
  ],
  ['a class nobody prices is free', plain, { searches: 7, input: 1 }, 150_000n],
  [
    'a class outside the common ones is priced where the vector names it',
    { perUnit: { ...plain.perUnit, searches: '5' } },
    { searches: 7 },
    35n,
  ],
  ['a prompt at the edge of a tier stays below it', tiered, { input: 100, output: 1 }, 1000n + 1000n + 40n],
  ['a prompt above the edge moves all prices to the tier', tiered, { input: 101, output: 1 }, 1000n + 1515n + 50n],
  [
    'the highest tier that applies wins whole, whatever their order',
    tiered,
    { input: 100, cacheRead: 101, output: 1 },
    1000n + 2000n + 303n + 60n,
  ],
  ['cached tokens count towards the size of the prompt', tiered, { cacheRead: 101 }, 1000n + 1515n],
  ['output does not count towards the size of the prompt', tiered, { input: 1, output: 1000 }, 1000n + 10n + 40_000n],
  ['the fee per request is charged once', { perUnit: {}, perRequest: '7' }, { input: 100 }, 7n],
  ['a free endpoint costs nothing', { perUnit: { input: '0', output: '0' } }, { input: 100, output: 100 }, 0n],
  ['a negative count is nothing, never a credit', plain, { input: -5, output: 1 }, 600_000n],
  ['a negative count does not pull the prompt below a tier', tiered, { input: 101, cacheRead: -50 }, 1000n + 1515n],
  ['a count that is not a number is nothing', plain, { input: Number.NaN, output: 1 }, 600_000n],
  [
    'amounts beyond the range of a double stay exact',
    { perUnit: { input: '9007199254740993' } },
    { input: 9_007_199_254_740_991 },
    9_007_199_254_740_993n * 9_007_199_254_740_991n,
  ],
];

describe('priceUsage', () => {
  test.each(cases)('%s', (_name, price, usage, expected) => {
    expect(priceUsage(price, usage)).toBe(expected);
    expect(itemise(price, usage).reduce((total, line) => total + line.amountPicodollars, 0n)).toBe(expected);
  });

  test('the bill names what each count was priced as', () => {
    expect(itemise({ perUnit: { input: '2' }, perRequest: '9' }, { reasoning: 4, cacheRead: 3 })).toEqual([
      { unit: 'reasoning', count: 4, unitPicodollars: 0n, amountPicodollars: 0n },
      { unit: 'cacheRead', count: 3, pricedAs: 'input', unitPicodollars: 2n, amountPicodollars: 6n },
      { unit: 'request', count: 1, pricedAs: 'request', unitPicodollars: 9n, amountPicodollars: 9n },
    ]);
  });
});

const amount = fc.bigInt({ min: 0n, max: 10n ** 15n }).map(String);
const perUnit = fc.dictionary(fc.constantFrom(...USAGE_CLASSES), amount);
const prices: fc.Arbitrary<PriceVector> = fc.record(
  {
    perUnit,
    perRequest: amount,
    tiers: fc.uniqueArray(fc.record({ aboveInputTokens: fc.nat(2000), perUnit }), {
      maxLength: 3,
      selector: (tier) => tier.aboveInputTokens,
    }),
  },
  { requiredKeys: ['perUnit'] },
);
const usages: fc.Arbitrary<Usage> = fc.dictionary(fc.constantFrom(...USAGE_CLASSES), fc.nat(1000));

describe('boundCost', () => {
  const INPUT = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h', 'audioInput', 'imageInput'];
  const sumOf = (usage: Usage, isInput: boolean): number =>
    Object.entries(usage).reduce(
      (total, [name, count]) => (INPUT.includes(name) === isInput ? total + count : total),
      0,
    );

  test('no usage within the bound costs more than the bound', () => {
    fc.assert(
      fc.property(prices, usages, fc.nat(500), fc.nat(500), (price, usage, moreInput, moreOutput) => {
        const bound = boundCost(price, {
          inputTokens: sumOf(usage, true) + moreInput,
          outputTokens: sumOf(usage, false) + moreOutput,
        });
        expect(priceUsage(price, usage) <= bound).toBe(true);
      }),
    );
  });

  test('it is the cost itself where a vector prices only input and output', () => {
    expect(boundCost(plain, { inputTokens: 1000, outputTokens: 500 })).toBe(
      priceUsage(plain, { input: 1000, output: 500 }),
    );
  });

  test('a tier that the prompt cannot reach does not make it dearer', () => {
    expect(boundCost(tiered, { inputTokens: 100, outputTokens: 1 })).toBe(1000n + 1000n + 40n);
    expect(boundCost(tiered, { inputTokens: 101, outputTokens: 1 })).toBe(1000n + 1515n + 50n);
  });
});

describe('price versions', () => {
  test('the order in which a vector was written does not change its version', () => {
    const one: PriceVector = { perUnit: { input: '1', output: '2' }, perRequest: '0', tiers: [] };
    const other: PriceVector = { perUnit: { output: '2', input: '1' } };
    expect(canonicalPriceJson(one)).toBe('{"perUnit":{"input":"1","output":"2"}}');
    expect(priceVersionOf(one, sha256hex)).toBe(priceVersionOf(other, sha256hex));
    expect(priceVersionOf(one, sha256hex)).toMatch(/^price-[0-9a-f]{32}$/);
  });

  test('any price that charges differently has another version', () => {
    const versions = [
      plain,
      full,
      tiered,
      { ...plain, perRequest: '1' },
      { perUnit: { ...plain.perUnit, cacheRead: '150000' } },
      { ...tiered, tiers: tiered.tiers?.slice(1) ?? [] },
    ].map((price) => priceVersionOf(price, sha256hex));
    expect(new Set(versions).size).toBe(versions.length);
  });

  test('the canonical text charges like the vector it came from', () => {
    fc.assert(
      fc.property(prices, usages, (price, usage) =>
        expect(priceUsage(JSON.parse(canonicalPriceJson(price)) as PriceVector, usage)).toBe(priceUsage(price, usage)),
      ),
    );
  });
});
