// Any JSON that was damaged in a way that models damage it comes back as the value that it was.
import fc from 'fast-check';
import { repairJson } from './repair-json.js';

/** Words as models write them: letters, spaces, and all that JSON has to escape but quotes and backslashes. */
const word = fc.stringMatching(/^[a-zA-ZäöüéЖ字 .\n\t]{0,12}$/);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(
      word,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('any'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(word, tie('any'), { maxKeys: 4, noNullPrototype: true }),
}));
const structure = fc.oneof(value.object, fc.array(value.object, { minLength: 1, maxLength: 3 }));

const indent = fc.constantFrom(undefined, 2);
const prose = fc.constantFrom('Here is the JSON that you asked for:\n\n', 'Sure! As of 2026 (see above), it is: ', '');
const after = fc.constantFrom('', '\n\nLet me know if you need anything else!', ' I hope that it helps, "friend".');

/** Commas before brackets that close, where something stands before them; strings are without brackets and commas here. */
const withTrailingCommas = (json: string): string => json.replace(/([^[{\s,])(\s*)([}\]])/g, '$1,$2$3');
/** Line ends and tabs as they are. */
const unescaped = (json: string): string => json.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
const withoutEnd = (json: string, brackets: number): string => {
  let cut = json;
  for (let count = 0; count < brackets && /[}\]]\s*$/.test(cut); count += 1) cut = cut.replace(/\s*[}\]]\s*$/, '');
  return cut;
};
const unquotedKeys = (json: string): string => json.replace(/"([a-zA-Z]+)":/g, '$1:');
const singleQuotes = (json: string): string => json.replaceAll('"', "'");

const repaired = (text: string): unknown => {
  const json = repairJson(text);
  return json === undefined ? undefined : JSON.parse(json);
};
const comesBack = (damage: (json: string) => string): void =>
  fc.assert(
    fc.property(structure, indent, (whole, spaces) => {
      expect(repaired(damage(JSON.stringify(whole, null, spaces)))).toEqual(JSON.parse(JSON.stringify(whole)));
    }),
    { numRuns: 300 },
  );

describe('JSON comes back', () => {
  it.each<[string, (json: string) => string]>([
    ['that is whole', (json) => json],
    ['in a fence', (json) => `\`\`\`json\n${json}\n\`\`\``],
    ['in a fence without a language, on one line', (json) => `\`\`\`${json}\`\`\``],
    ['in a fence that is not closed', (json) => `\`\`\`json\n${json}`],
    ['with commas before its closing brackets', withTrailingCommas],
    ['with line ends and tabs in its strings', unescaped],
    ['without quotes around its keys', unquotedKeys],
    ['in single quotes', singleQuotes],
    ['with commas too many, in a fence', (json) => `\`\`\`json\n${withTrailingCommas(json)}\n\`\`\``],
  ])('%s', (_, damage) => comesBack(damage));

  it('with words before and behind it, and a fence or none', () => {
    fc.assert(
      fc.property(structure, indent, prose, after, fc.boolean(), (whole, spaces, before, behind, fenced) => {
        const json = JSON.stringify(whole, null, spaces);
        const text = `${before}${fenced ? `\`\`\`json\n${json}\n\`\`\`` : json}${behind}`;
        expect(repaired(text)).toEqual(JSON.parse(json));
      }),
      { numRuns: 300 },
    );
  });

  it('with any of its last brackets missing', () => {
    fc.assert(
      fc.property(structure, indent, fc.integer({ min: 1, max: 6 }), (whole, spaces, brackets) => {
        const json = JSON.stringify(whole, null, spaces);
        expect(repaired(withoutEnd(json, brackets))).toEqual(JSON.parse(json));
      }),
      { numRuns: 300 },
    );
  });

  it('with quotes in its strings that are not escaped', () => {
    expect(repaired('{"a":"she said "hi" to me","b":[1,2]}')).toEqual({ a: 'she said "hi" to me', b: [1, 2] });
  });

  it('with a fence inside of a string', () => {
    const whole = { code: '```js\nlet a = {};\n```', more: 1 };
    expect(repaired(`\`\`\`json\n${JSON.stringify(whole)}\n\`\`\``)).toEqual(whole);
    expect(repaired(`Well: ${JSON.stringify(whole)}`)).toEqual(whole);
  });

  it('as it was written, where only words stand around it', () => {
    expect(repairJson('Here: {"n": 12345678901234567890.10,  "n": 1e400}!')).toBe(
      '{"n": 12345678901234567890.10,  "n": 1e400}',
    );
  });
});

describe('nothing is made', () => {
  it.each(['', 'I cannot help with that.', '"a word"', '17', 'null', 'Look (there)!', '}', ']]'])('of %j', (text) => {
    expect(repairJson(text)).toBeUndefined();
  });

  it('that is no object or list, and nothing throws, whatever the text is', () => {
    const fragment = fc.constantFrom(...'{}[]":,\\/*#`\'ab1 \n'.split(''), '```', 'null', '"a"', '\u2028', '\ud800');
    const text = fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (each) => {
        const found = repaired(each);
        expect(found === undefined || (typeof found === 'object' && found !== null)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(repairJson('['.repeat(100_000))).toBeUndefined();
  });
});
