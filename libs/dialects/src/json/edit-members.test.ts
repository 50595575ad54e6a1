// Editing bytes must do what editing the parsed object would do, and leave every other byte alone.
import fc from 'fast-check';
import { byPosition, editMembers, spliceJson } from './edit-members.js';
import { scanTopLevelFields } from './scan-top-level.js';

describe('editMembers', () => {
  it('removes, replaces and inserts as on the parsed object', () => {
    const documents = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 7 });
    fc.assert(
      fc.property(
        documents,
        fc.array(fc.constantFrom('keep', 'remove', 'replace'), { minLength: 8, maxLength: 8 }),
        fc.nat(2),
        fc.constantFrom(undefined, 0, 2),
        (value, fates, inserts, indent) => {
          const body = Buffer.from(JSON.stringify(value, null, indent));
          const spans = scanTopLevelFields(body, new Set(Object.keys(value))) ?? [];
          const fateOf = (index: number): string => fates[index] ?? 'keep';
          const insert = Array.from({ length: inserts }, (_, index) => ({
            key: `new "${index}`,
            json: `{"n":${index}}`,
          }));
          const edited = editMembers(body, {
            remove: spans.filter((_, index) => fateOf(index) === 'remove'),
            replace: spans
              .filter((_, index) => fateOf(index) === 'replace')
              .map((span) => ({ span, json: '"replaced"' })),
            insert,
          });
          const expected = Object.fromEntries([
            ...insert.map((each) => [each.key, JSON.parse(each.json) as unknown] as const),
            ...spans.flatMap((span, index) =>
              fateOf(index) === 'remove'
                ? []
                : [
                    [
                      span.key,
                      fateOf(index) === 'replace'
                        ? 'replaced'
                        : (JSON.parse(body.toString('utf8', span.valueStart, span.valueEnd)) as unknown),
                    ] as const,
                  ],
            ),
          ]);
          expect(JSON.parse(edited.toString())).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('keeps every byte that is not edited, white space and number spelling included', () => {
    const body = Buffer.from(' {"a" : 1.50e0 , "provider":{"x":1}, "b":"\\u00e4" }\n');
    const remove = scanTopLevelFields(body, new Set(['provider'])) ?? [];
    expect(editMembers(body, { remove }).toString()).toBe(' {"a" : 1.50e0 , "b":"\\u00e4" }\n');
  });

  it('edits an object that stands inside of another', () => {
    const body = Buffer.from('{"x":{ }}');
    expect(editMembers(body, { insert: [{ key: 'a', json: '1' }] }, 5).toString()).toBe('{"x":{"a":1 }}');
  });
});

describe('byPosition', () => {
  it('puts few and many in order, those of one range in the order in which they came', () => {
    const edits = fc.array(fc.record({ start: fc.nat(9), end: fc.nat(9), replacement: fc.string({ maxLength: 3 }) }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(edits, (unordered) => {
        const expected = [...unordered].sort((a, b) => a.start - b.start || a.end - b.end);
        const ordered = byPosition([...unordered]);
        expect(ordered.every((edit, place) => edit === expected[place])).toBe(true);
        expect(ordered).toHaveLength(unordered.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('spliceJson', () => {
  it('refuses edits that overlap or leave the body', () => {
    const body = Buffer.from('0123');
    expect(() =>
      spliceJson(body, [
        { start: 0, end: 2, replacement: '' },
        { start: 1, end: 3, replacement: '' },
      ]),
    ).toThrow(RangeError);
    expect(() => spliceJson(body, [{ start: 3, end: 5, replacement: '' }])).toThrow(RangeError);
  });
});
