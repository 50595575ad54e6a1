// What a translation gets to know of a chat body.
import { readChatCall } from './read-chat-call.js';

const call = (body: object) =>
  readChatCall(Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }))).call;

describe('the call in a chat body', () => {
  it('keeps every kind of message, in order', () => {
    const { messages } = call({
      messages: [
        { role: 'system', content: 'be short' },
        {
          role: 'developer',
          content: [{ type: 'text', text: 'and kind', cache_control: { type: 'ephemeral', ttl: '1h' } }],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
            { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
          ],
        },
        {
          role: 'assistant',
          content: 'I look',
          reasoning_details: [
            { type: 'reasoning.text', text: 'hm', index: 0, format: 'anthropic-claude-v1' },
            { type: 'reasoning.text', text: '', signature: 'sig', index: 0, format: 'anthropic-claude-v1' },
            { type: 'reasoning.encrypted', data: 'of the call', id: 'call_1', index: 1, format: 'google-gemini-v1' },
          ],
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'see', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'be short' }] },
      { role: 'developer', content: [{ type: 'text', text: 'and kind', cache: { ttl: '1h' } }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AAAA' }, detail: 'low' },
          { type: 'image', source: { kind: 'url', url: 'https://example.com/a.png' } },
          { type: 'audio', source: { kind: 'data', mediaType: 'audio/mp3', base64: 'BBBB' }, format: 'mp3' },
          {
            type: 'file',
            source: { kind: 'data', mediaType: 'application/pdf', base64: 'CCCC' },
            filename: 'a.pdf',
          },
          { type: 'video', source: { kind: 'url', url: 'https://example.com/a.mp4' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm', format: 'anthropic-claude-v1', signature: 'sig' },
          { type: 'text', text: 'I look' },
          {
            type: 'tool-call',
            id: 'call_1',
            name: 'see',
            argumentsJson: '{"a":1}',
            signature: 'of the call',
            format: 'google-gemini-v1',
          },
        ],
      },
      {
        role: 'tool',
        content: [{ type: 'tool-result', callId: 'call_1', content: [{ type: 'text', text: 'a cat' }] }],
      },
    ]);
  });

  it.each([
    ['sampling', { temperature: 0, top_p: 0.5, stop: 'x' }, { sampling: { temperature: 0, topP: 0.5, stop: ['x'] } }],
    ['the larger cap’s newer spelling', { max_tokens: 5, max_completion_tokens: 7 }, { maxOutputTokens: 7 }],
    ['effort, in both spellings', { reasoning_effort: 'low' }, { reasoning: { effort: 'low' } }],
    ['a wish for hidden reasoning', { include_reasoning: false }, { reasoning: { exclude: true } }],
    [
      'tools',
      { tools: [{ type: 'function', function: { name: 'f', strict: true } }] },
      { tools: [{ type: 'function', name: 'f', strict: true }] },
    ],
    [
      'a chosen tool',
      { tool_choice: { type: 'function', function: { name: 'f' } } },
      { toolChoice: { type: 'tool', name: 'f' } },
    ],
    [
      'a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } },
      { responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } } },
    ],
    ['what no member covers', { prediction: { type: 'content' } }, { extra: { prediction: { type: 'content' } } }],
  ])('has %s', (_, body, expected) => {
    expect(call(body)).toMatchObject(expected);
  });

  it('has nothing that only the relay reads', () => {
    expect(
      call({ provider: { order: ['a'] }, models: ['b'], session_id: 's', usage: { include: true } }).extra,
    ).toBeUndefined();
  });

  it.each([
    ['several completions', { n: 2 }, 'n'],
    ['a legacy function message', { messages: [{ role: 'function', name: 'f', content: 'x' }] }, 'messages[0].role'],
    [
      'a data URL that is no base64',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:text/plain,abc' } }] }] },
      'messages[0].content[0].image_url.url',
    ],
    ['a format of its own', { response_format: { type: 'python' } }, 'response_format.type'],
  ])('is refused for %s, which names the field', (_, body, field) => {
    expect(() => call(body)).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });
});
