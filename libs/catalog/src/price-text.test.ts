// Prices as people write them, one line a case, and that nothing is lost.
import fc from 'fast-check';
import { readUsdPerMillion, readUsdPerRequest } from './price-text.js';

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

describe('USD per request as text', () => {
  it('is exact to the picodollar', () => {
    expect(readUsdPerRequest('0.01')).toEqual({ picodollars: 10_000_000_000n, rounded: false });
    expect(readUsdPerRequest('0.0000000000005')).toEqual({ picodollars: 1n, rounded: true });
    expect(readUsdPerRequest('101')).toHaveProperty('fault');
  });
});
