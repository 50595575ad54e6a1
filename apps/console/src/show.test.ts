import { age, amount, count, duration } from './show.js';

describe('the status page', () => {
  it.each([
    [0, '$0.00'],
    [100, '$100.00'],
    [1234.5, '$1,234.50'],
    [0.25, '$0.25'],
    [0.0000123, '$0.0000123'],
    [null, 'pending'],
  ])('shows %s USD as %s', (usd, text) => expect(amount(usd)).toBe(text));

  it.each([
    [null, '–'],
    [12.4, '12 ms'],
    [1234, '1.23 s'],
    [12_345, '12.3 s'],
  ])('shows %s ms as %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('says how long ago a service was heard, and what is not known yet', () => {
    expect([age(200), age(4200), count(null), count(1234567)]).toEqual(['now', '4 s ago', 'pending', '1,234,567']);
  });
});
