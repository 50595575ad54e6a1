// Prices as text: shifted, rounded and compared without a float ever seeing them.
import { differByMore, isAbove, isNegative, isZero, roundDecimal, shiftDecimal } from './decimal-text.ts';
import { parseKeepingNumbers } from './read-sources.ts';

describe('a decimal as text', () => {
  it.each([
    ['0.0000015', 6, '1.5'],
    ['1.5e-7', 6, '0.15'],
    ['3E-06', 6, '3'],
    ['0', 6, '0'],
    ['12', 0, '12'],
    ['0.1500', 0, '0.15'],
    ['2.5e2', 0, '250'],
    ['-0.5', 1, '-5'],
    ['1.2999999999999999e-7', 6, '0.12999999999999999'],
  ])('%s shifted by %i is %s', (text, places, shifted) => expect(shiftDecimal(text, places)).toBe(shifted));

  it.each([
    ['0.049999999999999996', 6, '0.05'],
    ['0.1299949', 6, '0.129995'],
    ['0.1299944', 6, '0.129994'],
    ['0.15', 6, '0.15'],
    ['1', 6, '1'],
  ])('%s at %i decimals is %s, half up', (text, decimals, rounded) =>
    expect(roundDecimal(text, decimals)).toBe(rounded),
  );

  it.each([
    ['1', '1.01', false],
    ['1', '1.0102', true],
    ['0', '0.000001', true],
    ['0', '0.0', false],
    ['0.30000000000000004', '0.3', false],
  ])('%s and %s lie more than one per cent apart: %s', (one, other, apart) => {
    expect(differByMore(one, other, 1n)).toBe(apart);
    expect(differByMore(other, one, 1n)).toBe(apart);
  });

  it('knows nothing and less than nothing', () => {
    expect(['0', '0.00', '0e5', '0.1', '-1'].map(isZero)).toEqual([true, true, true, false, false]);
    expect(['-0.1', '0', '1'].map(isNegative)).toEqual([true, false, false]);
  });

  it.each([
    ['10000', false],
    ['10000.000001', true],
    ['1e5', true],
    ['9.9e3', false],
  ])('%s is above ten thousand: %s', (text, above) => expect(isAbove(text, 10_000n)).toBe(above));

  it.each(['', '1.', 'Infinity', '1,5', '0x10'])('does not take %j for a number', (text) =>
    expect(() => shiftDecimal(text, 0)).toThrow('is not a decimal number'),
  );

  it('is what a JSON file says, to the last digit', () => {
    expect(parseKeepingNumbers('{"a":1.50e-7,"b":[0.30000000000000004],"c":12345678901234567890,"d":"1"}')).toEqual({
      a: '1.50e-7',
      b: ['0.30000000000000004'],
      c: '12345678901234567890',
      d: '1',
    });
  });
});
