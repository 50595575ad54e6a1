// A chat body that is read as a call and written again says the same; what got lost is in the warnings.
import { findPublicDialect } from '@waystation/dialects';
import { buildChatFromCall } from './build-from-call.js';

const chat = findPublicDialect('openai-chat');
const rebuilt = (body: object, quirks: Record<string, string | boolean> = {}) => {
  if (chat === undefined) throw new Error('chat completions are not registered');
  const { call } = chat.readCall(Buffer.from(JSON.stringify(body)));
  const request = buildChatFromCall({ call, upstreamModel: 'up', quirks });
  return { body: JSON.parse(request.body.toString()) as Record<string, unknown>, warnings: request.warnings };
};

describe('a chat request from a call', () => {
  it('says what the client said', () => {
    const body = {
      messages: [
        { role: 'system', content: 'be short' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'done' },
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      tool_choice: 'required',
      parallel_tool_calls: false,
      response_format: { type: 'json_object' },
      temperature: 0.5,
      stop: ['x'],
      max_tokens: 10,
      reasoning_effort: 'low',
      stream: true,
    };
    expect(rebuilt(body)).toEqual({
      body: { ...body, model: 'up', stream_options: { include_usage: true } },
      warnings: [],
    });
  });

  it('gives earlier reasoning back only where the provider takes it, and says so otherwise', () => {
    const details = [{ type: 'reasoning.text', text: 'hm', signature: 's', id: null, format: 'unknown', index: 0 }];
    const messages = [{ role: 'assistant', content: 'a', reasoning_details: details }];
    expect(rebuilt({ messages })).toMatchObject({
      body: { messages: [{ role: 'assistant', content: 'a' }] },
      warnings: [{ code: 'translated-with-loss', field: 'reasoning' }],
    });
    expect(rebuilt({ messages }, { thoughtField: 'reasoning_details' })).toMatchObject({
      body: { messages: [{ reasoning_details: details }] },
      warnings: [],
    });
    expect(rebuilt({ messages }, { thoughtField: 'reasoning_content' })).toMatchObject({
      body: { messages: [{ reasoning_content: 'hm' }] },
      warnings: [expect.objectContaining({ code: 'translated-with-loss', field: 'reasoning' })],
    });
  });

  it.each([
    [
      'effort of a number of tokens',
      { reasoning: { max_tokens: 8_000 }, max_tokens: 10_000 },
      {},
      { reasoning_effort: 'high' },
    ],
    [
      'an object where the provider reads one',
      { reasoning: { max_tokens: 8_000 } },
      { reasoningStyle: 'object' },
      { reasoning: { max_tokens: 8_000 } },
    ],
    ['the newer cap', { max_tokens: 9 }, { outputCapField: 'max_completion_tokens' }, { max_completion_tokens: 9 }],
  ])('asks for %s', (_, fields, quirks, expected) => {
    const messages = [{ role: 'user', content: 'a' }];
    expect(rebuilt({ messages, ...fields }, quirks as Record<string, string>).body).toMatchObject(expected);
  });

  it('warns of fields that it cannot say', () => {
    expect(rebuilt({ messages: [{ role: 'user', content: 'a' }], prediction: {} }).warnings).toMatchObject([
      { code: 'unsupported-parameter', field: 'prediction' },
    ]);
  });
});
