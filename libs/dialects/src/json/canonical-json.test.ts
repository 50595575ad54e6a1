// One spelling for what means the same, and never one for what does not.
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

const spelled = (text: string): string | undefined => canonicalJson(Buffer.from(text));

describe('canonicalJson', () => {
  it.each([
    ['white space goes', ' { "a" : [ 1 , { } ] }\n', '{"a":[1,{}]}'],
    [
      'members stand by name, at every depth',
      '{"b":{"d":1,"c":2},"a":[{"f":1,"e":2}]}',
      '{"a":[{"e":2,"f":1}],"b":{"c":2,"d":1}}',
    ],
    ['items keep their order', '[2,1]', '[2,1]'],
    ['white space inside of strings stays', '{"a":" b  c "}', '{"a":" b  c "}'],
    ['numbers stay as they were written', '[1.0,1e2,100,9007199254740993]', '[1.0,1e2,100,9007199254740993]'],
    ['of a name that stands twice the last stays last', '{"a":1,"a":2}', '{"a":1,"a":2}'],
    [
      'what a model writes in the order of its schema keeps it',
      '{"b":1,"a":{"properties":{"z":{"b":1,"a":2},"y":{}}}}',
      '{"a":{"properties":{"z":{"b":1,"a":2},"y":{}}},"b":1}',
    ],
    ['what is no JSON has no spelling', '{"a":}', undefined],
    ['nor has what goes on behind its value', '{} x', undefined],
  ])('%s', (_name, text, expected) => {
    expect(spelled(text)).toBe(expected);
  });

  it('is the same however members are ordered and lines are broken', () => {
    const anyJson = fc.jsonValue({ maxDepth: 4 });
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, each]) => [name, name === 'properties' ? each : turned(each)]),
      );
    };
    fc.assert(
      fc.property(anyJson, fc.nat(3), (value, indent) => {
        expect(spelled(JSON.stringify(turned(value), null, indent))).toBe(spelled(JSON.stringify(value)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads back as what it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(spelled(text) ?? '')).toEqual(JSON.parse(text));
      }),
      { numRuns: 1_000 },
    );
  });
});
