// The hot scanner against JSON.parse: what it calls ordinary is ordinary.
import fc from 'fast-check';
import { scanChunk } from './scan-chunk.js';

const scan = (text: string, depth = 0) => {
  const { closed, special, contentBytes } = scanChunk(Buffer.from(text), 0, Buffer.byteLength(text), depth);
  return { closed, special, contentBytes };
};

describe('scanChunk', () => {
  it.each([
    [
      'an ordinary delta',
      '[{"delta":{"content":"ab"},"finish_reason":null}]',
      { closed: true, special: false, contentBytes: 2 },
    ],
    ['reasoning', '[{"delta":{"reasoning":"abc"}}]', { closed: true, special: false, contentBytes: 3 }],
    [
      'reasoning as DeepSeek calls it',
      '[{"delta":{"content":null,"reasoning_content":"abc"}}]',
      { closed: true, special: false, contentBytes: 3 },
    ],
    [
      'arguments of a tool call',
      '[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\""}}]}}]',
      { closed: true, special: false, contentBytes: 6 },
    ],
    [
      'tool calls without an index',
      '[{"index":0,"delta":{"tool_calls":[{"id":"a","function":{"index":1,"arguments":"{}"}}]}}]',
      { closed: true, special: true, contentBytes: 2 },
    ],
    [
      'one of two tool calls without an index',
      '[{"delta":{"tool_calls":[{"index":0},{"id":"a"}]},"index":0}]',
      { closed: true, special: true, contentBytes: 0 },
    ],
    ['no tool calls', '[{"delta":{"tool_calls":[]}}]', { closed: true, special: false, contentBytes: 0 }],
    [
      'content in parts',
      '[{"delta":{"content":[{"type":"text","text":"abcd"}]}}]',
      { closed: true, special: false, contentBytes: 4 },
    ],
    [
      'details that repeat the reasoning',
      '[{"delta":{"reasoning":"ab","reasoning_details":[{"text":"ab"}]}}]',
      { closed: true, special: false, contentBytes: 2 },
    ],
    ['a finish', '[{"delta":{},"finish_reason":"stop"}]', { closed: true, special: true, contentBytes: 0 }],
    [
      'a finish behind white space',
      '[{"delta":{}, "finish_reason" : "stop"}]',
      { closed: true, special: true, contentBytes: 0 },
    ],
    ['usage', '{"choices":[],"usage":{"prompt_tokens":1}}', { closed: true, special: true, contentBytes: 0 }],
    ['usage that is null', '{"choices":[],"usage":null}', { closed: true, special: false, contentBytes: 0 }],
    ['an error', '{"error":{"message":"x"}}', { closed: true, special: true, contentBytes: 0 }],
    ['an error that is a number', '{"error":1}', { closed: true, special: true, contentBytes: 0 }],
    [
      'a key that is a string somewhere',
      '{"a":"usage","b":["finish_reason",{"c":1}]}',
      { closed: true, special: false, contentBytes: 0 },
    ],
    [
      'JSON inside of content',
      '[{"delta":{"content":"{\\"finish_reason\\":\\"stop\\",\\"usage\\":{}}"}}]',
      { closed: true, special: false, contentBytes: 41 },
    ],
  ])('%s', (_, text, expected) => {
    expect(scan(text)).toEqual(expected);
  });

  it.each(['[{"a":1}', '[{"a":1}]]', '["a', '["a\\', '["a\\"', '{"content":"a}'])('does not call %s closed', (text) => {
    expect(scan(text).closed).toBe(false);
  });

  it('begins in the middle of an object', () => {
    expect(scan('"choices":[]}', 1).closed).toBe(true);
    expect(scan('"choices":[]', 1).closed).toBe(false);
  });

  it('finds any usage, finish or error that a parser finds', () => {
    const has = (value: unknown): boolean =>
      value !== null &&
      typeof value === 'object' &&
      (Array.isArray(value)
        ? value.some(has)
        : Object.entries(value).some(
            ([key, each]) => (['usage', 'error', 'finish_reason'].includes(key) && each !== null) || has(each),
          ));
    const key = fc.oneof(fc.constantFrom('usage', 'error', 'finish_reason', 'content'), fc.string({ maxLength: 6 }));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 1, true, '', 'usage', '":{'),
        fc.string(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), fc.constantFrom(undefined, 1), (value, indent) => {
        const seen = scan(JSON.stringify(value, null, indent));
        expect(seen.closed).toBe(true);
        expect(seen.special).toBe(has(value));
      }),
      { numRuns: 1000 },
    );
  });
});
