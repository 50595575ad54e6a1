// One walk over a completion finds what a parser finds, whatever stands in it, and refuses what a parser refuses.
import fc from 'fast-check';
import { scanCompletion } from './edit-completion.js';

const odd = fc.constantFrom<unknown>(null, '', 'text', 0, 7, [], {}, [1, [2]], { a: { b: [null] } }, 'ä"\\\n🙂');
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary: value }, odd);
const call = fc.record(
  { id: maybe(fc.string()), index: maybe(fc.nat(3)), type: maybe(fc.constant('function')), function: odd },
  { requiredKeys: [] },
);
const message = fc.record(
  {
    role: odd,
    content: maybe(fc.string()),
    reasoning: odd,
    tool_calls: maybe(fc.array(maybe(call), { maxLength: 3 })),
  },
  { requiredKeys: [] },
);
const choice = fc.record(
  {
    index: maybe(fc.nat(3)),
    message: maybe(message),
    finish_reason: maybe(fc.constantFrom('stop', 'length')),
    logprobs: odd,
  },
  { requiredKeys: [] },
);
const completion = fc.record(
  { id: odd, object: odd, choices: maybe(fc.array(maybe(choice), { maxLength: 3 })), usage: odd, other: odd },
  { requiredKeys: [] },
);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
const saysNothing = (value: unknown): boolean =>
  value === null || value === false || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

/** The same from a parsed completion. */
const expectedOf = (parsed: Record<string, unknown>) =>
  Array.isArray(parsed['choices'])
    ? parsed['choices'].map((item: unknown) => {
        const { index, message: said, finish_reason: native } = recordOf(item);
        const { content, reasoning, tool_calls: calls } = recordOf(said);
        return {
          index: typeof index === 'number' ? index : 0,
          meaningful: [content, reasoning, calls].some((value) => value !== undefined && !saysNothing(value)),
          native: typeof native === 'string' && native !== '' ? native : undefined,
          calls: (Array.isArray(calls) ? calls : []).map((each: unknown) => {
            const { id } = recordOf(each);
            return typeof id === 'string' && id !== '' ? id : undefined;
          }),
        };
      })
    : undefined;

const parseOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

describe('a completion', () => {
  it('is found by one walk as a parser finds it', () =>
    fc.assert(
      fc.property(completion, fc.constantFrom(undefined, 1, 2), (value, indent) => {
        const scanned = scanCompletion(Buffer.from(JSON.stringify(value, undefined, indent)));
        const found = scanned?.choices?.map(({ index, meaningful, finish, calls }) => ({
          ...{ index, meaningful, native: finish?.native, calls: calls.map(({ id }) => id) },
        }));
        expect(found).toEqual(expectedOf(value));
      }),
      { numRuns: 1_000 },
    ));

  it('is none where a bracket, comma or colon of it is missing', () =>
    fc.assert(
      fc.property(completion, fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        const cut = at % text.length;
        const broken = text.slice(0, cut) + text.slice(cut + 1);
        fc.pre(/[{}[\],:]/.test(text[cut] ?? ''));
        const parsed = parseOf(broken);
        expect(scanCompletion(Buffer.from(broken)) === undefined).toBe(!isRecord(parsed));
      }),
      { numRuns: 1_000 },
    ));

  it('counts the last of what stands in it twice', () => {
    const scan = (text: string) => scanCompletion(Buffer.from(text))?.choices;
    expect(scan('{"choices":[{"index":1}],"choices":[{"index":2}]}')).toMatchObject([{ index: 2 }]);
    expect(scan('{"choices":[{}],"choices":7}')).toBeUndefined();
    const twice = '{"message":{"content":"a","tool_calls":[{"id":"x"}]},"message":{"content":""}}';
    expect(scan(`{"choices":[${twice}]}`)).toMatchObject([{ meaningful: false, calls: [] }]);
  });
});
