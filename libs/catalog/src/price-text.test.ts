// Prices as people write them, one line a case, and that nothing is lost.
import fc from 'fast-check';
import { PRICE_UNITS, readPrice, readUsdPerMillion, readUsdPerPiece } from './price-text.js';

describe('USD per million tokens as text', () => {
  it.each([
    ['0.15', 150_000n, false],
    ['0.60', 600_000n, false],
    ['0', 0n, false],
    ['0.000000', 0n, false],
    ['15', 15_000_000n, false],
    ['0.003625', 3_625n, false],
    ['0.000001', 1n, false],
    ['0.0833333', 83_333n, true],
    ['0.0833335', 83_334n, true],
    ['0.1000000000', 100_000n, false],
    ['0.10000000000000000', 100_000n, false],
    ['0.100000000001', 100_000n, true],
    ['10000', 10_000_000_000n, false],
  ])('%s is %s picodollars per token', (text, picodollars, rounded) => {
    expect(readUsdPerMillion(text)).toEqual({ picodollars, rounded });
  });

  it.each([
    ['-1', 'negative'],
    ['1e-7', 'not a plain decimal'],
    ['0x10', 'not a plain decimal'],
    ['', 'not a plain decimal'],
    ['.5', 'not a plain decimal'],
    ['1,5', 'not a plain decimal'],
    ['NaN', 'not a plain decimal'],
    [' 1', 'not a plain decimal'],
    ['10001', 'more than 10000 USD per million'],
    ['0.00000015', 'per million tokens, not per token'],
    ['0.1000000000001', 'more than 12 decimals'],
    ['0.33333333333333333', 'more than 12 decimals'],
  ])('%j is refused: %s', (text, reason) => {
    const reading = readUsdPerMillion(text);
    expect('fault' in reading && reading.fault).toContain(reason);
  });

  it('loses nothing: six decimals come back as they were', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10_000_000_000n }), (picodollars) => {
        const text = `${picodollars / 1_000_000n}.${(picodollars % 1_000_000n).toString().padStart(6, '0')}`;
        expect(readUsdPerMillion(text)).toEqual({ picodollars, rounded: false });
      }),
    );
  });
});

describe('USD per request or image as text', () => {
  it.each([
    ['0.01', 10_000_000_000n],
    ['0.000000000001', 1n],
    ['0', 0n],
    ['100', 100_000_000_000_000n],
  ])('%s is %s picodollars, exactly', (text, picodollars) => {
    expect(readUsdPerPiece(text, 'request')).toEqual({ picodollars, rounded: false });
  });

  it.each([
    ['101', 'more than 100 USD per request'],
    ['0.0000000000005', 'more than 12 decimals'],
    ['-0.01', 'negative'],
    ['free', 'not a plain decimal'],
  ])('%j is refused: %s', (text, reason) => {
    const reading = readUsdPerPiece(text, 'request');
    expect('fault' in reading && reading.fault).toContain(reason);
  });
});

test('each unit of price has one unit of account: a million tokens or characters, or one piece', () => {
  const inPicodollars = PRICE_UNITS.map((unit) => [unit, readPrice(unit, '1')] as const);
  const pieces = inPicodollars.filter(
    ([, reading]) => 'picodollars' in reading && reading.picodollars === 1_000_000_000_000n,
  );
  const tokens = inPicodollars.filter(([, reading]) => 'picodollars' in reading && reading.picodollars === 1_000_000n);
  expect(pieces.map(([unit]) => unit)).toEqual(['request', 'inputImages', 'outputImages', 'searchUnits', 'seconds']);
  expect(tokens).toHaveLength(PRICE_UNITS.length - pieces.length);
});

test.each([
  ['characters', '15', 15_000_000n],
  ['searchUnits', '0.002', 2_000_000_000n],
  ['seconds', '0.0001', 100_000_000n],
])('%s at %s USD are %s picodollars each', (unit, text, picodollars) => {
  expect(readPrice(unit, text)).toEqual({ picodollars, rounded: false });
});

test.each([
  ['characters', '0.00000015', 'per million characters, not per character'],
  ['searchUnits', '200', 'more than 100 USD per search unit'],
  ['seconds', '200', 'more than 100 USD per second'],
])('%s at %s USD: the refusal names the unit', (unit, text, reason) => {
  const reading = readPrice(unit, text);
  expect('fault' in reading && reading.fault).toContain(reason);
});
