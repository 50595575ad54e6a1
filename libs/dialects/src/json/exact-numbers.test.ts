import { parseArguments, parseHolding } from './exact-numbers.js';

const again = (text: string): string => JSON.stringify(parseArguments(text));

describe('arguments of a tool, read and written again', () => {
  it.each([
    '{"id":9007199254740993}',
    '{"id":-123456789012345678901234567890}',
    '{"n":[0.12345678901234567890123]}',
    '{"n":{"deep":1e400}}',
    '{"n":-1.5E-400}',
    '[12345678901234567890]',
    '{"text":"9007199254740993","n":9007199254740993}',
  ])('%s stays as it is', (text) => {
    expect(again(text)).toBe(text);
  });

  it.each([
    ['{"n":1.0}', '{"n":1}'],
    ['{"n":1e3}', '{"n":1000}'],
    ['{"n":100000000000000000000000}', '{"n":1e+23}'],
    ['{"n":1.00000000000000000000}', '{"n":1}'],
    ['{"n":9007199254740992}', '{"n":9007199254740992}'],
    ['{"n":0e999}', '{"n":0}'],
  ])('%s says the same as %s', (text, same) => {
    expect(again(text)).toBe(same);
  });

  it('a number longer than anybody compares is kept', () => {
    const text = `{"n":1.${'0'.repeat(1_000)}}`;
    expect(again(text)).toBe(text);
  });

  it('a number in their place is a number', () => {
    expect(parseArguments('9007199254740993')).toBe(Number('9007199254740993'));
  });

  it('what is no JSON is refused as ever', () => {
    expect(() => parseArguments('{"n":90071992547409931')).toThrow(SyntaxError);
  });
});

it('a message keeps the digits of the members that hold arguments, and of no others', () => {
  const text =
    '{"input":{"id":9007199254740993},"usage":{"n":9007199254740993},"list":[{"input":[1e400]}],"more":1e400}';
  const read = parseHolding(new Set(['input']), text) as { usage: { n: unknown } };
  expect(read.usage.n).toBe(9_007_199_254_740_992);
  expect(JSON.stringify(read)).toBe(
    '{"input":{"id":9007199254740993},"usage":{"n":9007199254740992},"list":[{"input":[1e400]}],"more":null}',
  );
  expect(parseHolding(new Set(['input']), '{"input":9007199254740993}')).toEqual({ input: 9_007_199_254_740_992 });
  expect(parseHolding(undefined, text)).toEqual(JSON.parse(text));
});
