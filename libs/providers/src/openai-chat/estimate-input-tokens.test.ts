import { estimateInputTokens } from './estimate-input-tokens.js';

const estimate = (body: unknown) => estimateInputTokens(Buffer.from(JSON.stringify(body)));

describe('estimateInputTokens', () => {
  it.each([
    [
      'a token for four bytes and four around each message',
      { messages: [{ role: 'user', content: 'Hello you there' }] },
      8,
    ],
    [
      'each message',
      {
        messages: [
          { role: 'system', content: 'abcd' },
          { role: 'user', content: 'abcde' },
        ],
      },
      11,
    ],
    [
      'text in parts',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'abcd' },
              { type: 'text', text: 'abcd' },
            ],
          },
        ],
      },
      6,
    ],
    [
      'a tool call and its result',
      {
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }] },
          { role: 'tool', content: 'abcd' },
        ],
      },
      12,
    ],
    ['tools by all of their bytes', { messages: [], tools: [1234, 123] }, 3],
    ['nothing else of the body', { model: 'x'.repeat(100), messages: [], metadata: { a: 'long '.repeat(50) } }, 0],
  ])('counts %s', (_, body, tokens) => {
    expect(estimate(body)).toBe(tokens);
  });

  it.each([[{}], [{ messages: 'x' }], [[]]])('knows nothing of %j', (body) => {
    expect(estimate(body)).toBeUndefined();
  });
});
