// A key is read as it is written, whatever was read before it.
import fc from 'fast-check';
import { isBroken, mendJsonParse, safeJsonParse } from './mend-json-parse.js';

const parse = safeJsonParse(JSON.parse as never);

/** Each character of the text as an escape. */
const escaped = (text: string): string =>
  text.replaceAll(/[^]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

const keys = fc.oneof(
  fc.constantFrom('n', 'model', '\\', '\\u', '\\u0', '\\u00', '\\u006e', '"', '\n', '', '__proto__', 'größe', '0'),
  fc.string({ maxLength: 4 }),
);
/** JSON text whose keys are written with escapes or without. */
const texts = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 0 }).map((value) => JSON.stringify(value)),
    fc.string().map((text) => `"${escaped(text)}"`),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((members) => `[${members.join(' , ')}]`),
  ),
  object: fc
    .array(fc.tuple(keys, fc.boolean(), fc.constantFrom('', ' ', '\n\t'), tie('value')), { maxLength: 4 })
    .map(
      (members) =>
        `{${members.map(([key, escape, space, value]) => `${escape ? `"${escaped(key)}"` : JSON.stringify(key)}${space}:${space}${value}`).join(',')}}`,
    ),
})).object;

/** Read by hand, with the parser for nothing but strings, numbers and words. */
const readByHand = (text: string): unknown => {
  let at = 0;
  const space = (): void => {
    while (' \n\t\r'.includes(text[at] ?? 'x')) at += 1;
  };
  const scalar = (): unknown => {
    const [found] = /^(?:"(?:[^"\\]|\\.)*"|[^\s,\]}:]+)/.exec(text.slice(at)) ?? [''];
    at += found.length;
    return JSON.parse(found);
  };
  const listed = <Item>(close: string, item: () => Item): Item[] => {
    const items: Item[] = [];
    at += 1;
    for (space(); text[at] !== close; space()) {
      items.push(item());
      space();
      if (text[at] === ',') at += 1;
    }
    at += 1;
    return items;
  };
  const value = (): unknown => {
    space();
    if (text[at] === '[') return listed(']', value);
    if (text[at] !== '{') return scalar();
    return Object.fromEntries(
      listed('}', (): [string, unknown] => {
        const key = scalar() as string;
        space();
        at += 1;
        return [key, value()];
      }),
    );
  };
  return value();
};

test('every key of any JSON is read as it is, in its order, whatever was read before', () => {
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (documents) => {
      for (const text of documents) {
        const expected = readByHand(text);
        expect(JSON.stringify(parse(text))).toBe(JSON.stringify(expected));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a field is not hidden behind an escape', () => {
  parse('{"model":"a/b","\\\\":1}');
  expect(parse('{"model":"a/b","\\u006e":100}')).toEqual({ model: 'a/b', n: 100 });
  parse('{"\\\\u0":1}');
  expect(parse('{"\\u0061bc":1}')).toEqual({ abc: 1 });
});

test.each([
  '',
  '{',
  '{"a\\',
  '{"a\\":1',
  '{"\\x":1}',
  '{"\\u00":1}',
  '[1,]',
  '"\\',
  '{"a":"\\q"}',
  'x\\"y":1',
  '{"x":\\u0031,":y":2}',
])('what is no JSON is refused as ever: %s', (text) => {
  expect(() => parse(text)).toThrow(SyntaxError);
});

test('a reviver is told the keys themselves, and what stands in the text', () => {
  const told: unknown[] = [];
  const value = parse('{"\\u0061":1.0,"\\"":[2.50],"\\\\":{"\\n":3}}', (key, member, context) => {
    told.push([key, (context as { source?: string } | undefined)?.source]);
    return member;
  });
  expect(value).toEqual({ a: 1, '"': [2.5], '\\': { '\n': 3 } });
  expect(told).toEqual([
    ['a', '1.0'],
    ['0', '2.50'],
    ['"', undefined],
    ['\n', '3'],
    ['\\', undefined],
    ['', undefined],
  ]);
});

test('nesting is as deep as it may be for the parser itself', () => {
  const levels = 100_000;
  let value = parse(`${'{"\\"":['.repeat(levels)}1${']}'.repeat(levels)}`);
  for (let level = 0; level < levels; level += 1) value = (value as { '"': unknown[] })['"'][0];
  expect(value).toBe(1);
});

test('what is no text is read as text', () => {
  expect(parse(Buffer.from('{"\\u0061":1}') as unknown as string)).toEqual({ a: 1 });
  expect(() => parse(undefined as unknown as string)).toThrow(SyntaxError);
});

test('the parser of this process is mended, once', () => {
  mendJsonParse();
  expect(isBroken(JSON.parse as never)).toBe(false);
  const mended = JSON.parse;
  mendJsonParse();
  expect(JSON.parse).toBe(mended);
});
