// Price × usage: a table of exact amounts. The properties that money stands on are in price-usage.property.test.ts.
import { createHash } from 'node:crypto';
import type { PriceVector } from '@waystation/contracts';
import { USAGE_CLASSES, type Usage } from '@waystation/generation';
import { boundCost, canonicalPriceJson, itemise, lacksPriceFor, priceUsage, priceVersionOf } from './price-usage.js';

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
const served: PriceVector = {
  ...tiered,
  serviceTiers: {
    flex: { perUnit: { input: '5', output: '20' } },
    priority: {
      perUnit: { input: '30', output: '100', cacheRead: '4' },
      perRequest: '7',
      tiers: [{ aboveInputTokens: 50, perUnit: { input: '33', output: '110' } }],
    },
  },
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

const serviceTierCases: readonly [name: string, serviceTier: string | undefined, usage: Usage, expected: bigint][] = [
  ['without a tier the vector itself counts', undefined, { input: 1, output: 1 }, 1000n + 10n + 40n],
  ['so it does at the standard tier', 'default', { input: 1, output: 1 }, 1000n + 10n + 40n],
  ['and at a tier that it does not name', 'scale', { input: 1, output: 1 }, 1000n + 10n + 40n],
  ['a member of every object is no tier', 'constructor', { input: 1 }, 1000n + 10n],
  ['a tier replaces everything, also the fee per request', 'flex', { input: 300, output: 1 }, 1500n + 20n],
  ['it has a fee of its own', 'priority', { cacheRead: 2, output: 1 }, 7n + 8n + 100n],
  ['and edges of its own', 'priority', { input: 51 }, 7n + 51n * 33n],
  ['fast is another word for priority', 'fast', { input: 51 }, 7n + 51n * 33n],
];

describe('priceUsage', () => {
  test.each(serviceTierCases)('by service tier: %s', (_name, serviceTier, usage, expected) => {
    expect(priceUsage(served, usage, serviceTier)).toBe(expected);
    expect(itemise(served, usage, serviceTier).reduce((total, line) => total + line.amountPicodollars, 0n)).toBe(
      expected,
    );
  });

  test('images are priced by the piece and are no part of the size of the prompt', () => {
    const price: PriceVector = { ...tiered, perUnit: { ...tiered.perUnit, inputImages: '500', outputImages: '9000' } };
    expect(priceUsage(price, { input: 100, inputImages: 3, outputImages: 1 })).toBe(1000n + 1000n + 1500n + 9000n);
    expect(priceUsage(tiered, { inputImages: 3 })).toBe(1000n);
  });

  test('search units, characters and seconds are priced one by one', () => {
    const price: PriceVector = {
      perUnit: { input: '0', searchUnits: '2000000000', characters: '15000000', seconds: '100000000' },
    };
    expect(priceUsage(price, { searchUnits: 3 })).toBe(6_000_000_000n);
    expect(priceUsage(price, { input: 40, characters: 12, seconds: 7 })).toBe(180_000_000n + 700_000_000n);
    expect(priceUsage(plain, { searchUnits: 3, characters: 12, seconds: 7 })).toBe(priceUsage(plain, {}));
  });

  test('classes can be left out of the sum; the rest is priced as it is with them', () => {
    const usage = { input: 300, cacheRead: 2, output: 7, reasoning: 3 };
    expect(priceUsage(tiered, usage, undefined, new Set(['output', 'reasoning']))).toBe(1000n + 6000n + 6n);
    expect(priceUsage(tiered, usage, undefined, new Set(['input', 'cacheRead']))).toBe(1000n + 420n + 180n);
  });

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

describe('boundCost', () => {
  test('it is the cost itself where a vector prices only input and output', () => {
    expect(boundCost(plain, { inputTokens: 1000, outputTokens: 500 })).toBe(
      priceUsage(plain, { input: 1000, output: 500 }),
    );
  });

  test('a tier that the prompt cannot reach does not make it dearer', () => {
    expect(boundCost(tiered, { inputTokens: 100, outputTokens: 1 })).toBe(1000n + 1000n + 40n);
    expect(boundCost(tiered, { inputTokens: 101, outputTokens: 1 })).toBe(1000n + 1515n + 50n);
  });

  test('the service tier that is asked for, or the standard one, is the dearest it can come to', () => {
    const bound = { inputTokens: 10, outputTokens: 1 };
    expect(boundCost(served, bound)).toBe(boundCost(tiered, bound));
    expect(boundCost({ ...served, perRequest: '0' }, bound)).toBe(7n + 300n + 100n);
    expect(boundCost({ ...served, perRequest: '0' }, bound, 'auto')).toBe(7n + 300n + 100n);
    expect(boundCost({ ...served, perRequest: '0' }, bound, 'priority')).toBe(7n + 300n + 100n);
    expect(boundCost({ ...served, perRequest: '0' }, bound, 'flex')).toBe(100n + 40n);
    expect(boundCost({ ...served, perRequest: '0' }, bound, 'default')).toBe(100n + 40n);
  });

  test('pieces are held for by their number', () => {
    const price: PriceVector = { perUnit: { input: '1', output: '1', inputImages: '500' } };
    expect(boundCost(price, { inputTokens: 10, outputTokens: 1, pieces: { inputImages: 3, outputImages: 2 } })).toBe(
      1511n,
    );
  });
});

describe('price versions', () => {
  test('the order in which a vector was written does not change its version', () => {
    const one: PriceVector = { perUnit: { input: '1', output: '2' }, perRequest: '0', tiers: [] };
    const other: PriceVector = { perUnit: { output: '2', input: '1' } };
    expect(canonicalPriceJson(one)).toBe('{"perUnit":{"input":"1","output":"2"}}');
    expect(priceVersionOf(one, sha256hex)).toBe(priceVersionOf(other, sha256hex));
    expect(priceVersionOf(one, sha256hex)).toMatch(/^price-[0-9a-f]{32}$/);
    // Stored in every ledger there is: a change of it would be a change of history.
    expect(priceVersionOf(plain, sha256hex)).toBe('price-0ed9b25332438b326afd4b3a26adca0f');
  });

  test('any price that charges differently has another version', () => {
    const versions = [
      plain,
      full,
      tiered,
      { ...plain, perRequest: '1' },
      { perUnit: { ...plain.perUnit, cacheRead: '150000' } },
      { ...tiered, tiers: tiered.tiers?.slice(1) ?? [] },
      served,
      { ...served, serviceTiers: { flex: { perUnit: {} } } },
    ].map((price) => priceVersionOf(price, sha256hex));
    expect(new Set(versions).size).toBe(versions.length);
  });
});

describe('what a corrected vector lacks', () => {
  test.each<[string, PriceVector, PriceVector, string[], string | undefined, string | undefined]>([
    ['nothing where it names the class', plain, full, ['input', 'output', 'cacheRead'], undefined, undefined],
    [
      'nothing where a fallback covers it',
      full,
      plain,
      ['cacheRead', 'reasoning', 'imageOutput'],
      undefined,
      undefined,
    ],
    ['nothing that the old one did not price either', plain, plain, ['searches'], undefined, undefined],
    [
      'a class that it neither names nor covers',
      { perUnit: { input: '1', output: '1', inputImages: '5' } },
      plain,
      ['input', 'inputImages'],
      undefined,
      'the usage class inputImages',
    ],
    [
      'a class that one of its tiers does not cover',
      plain,
      { ...plain, tiers: [{ aboveInputTokens: 5, perUnit: { input: '1' } }] },
      ['input', 'reasoning'],
      undefined,
      'the usage class reasoning',
    ],
    ['a service tier', served, tiered, ['input'], 'flex', 'the service tier flex'],
    ['no service tier that nobody was served at', served, tiered, ['input'], 'default', undefined],
  ])('%s', (_name, before, corrected, classes, serviceTier, expected) => {
    expect(lacksPriceFor(corrected, before, classes, serviceTier)).toBe(expected);
  });
});
