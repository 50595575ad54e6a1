import { readResponsesCall } from './read-responses-call.js';

const call = (body: object) =>
  readResponsesCall(Buffer.from(JSON.stringify({ model: 'm', input: 'hi', ...body }))).call;

describe('the call in a body', () => {
  it('has everything that a body says', () => {
    expect(
      call({
        stream: true,
        instructions: 'be kind',
        max_output_tokens: 100,
        temperature: 0.5,
        top_p: 0.9,
        top_logprobs: 2,
        include: ['message.output_text.logprobs'],
        tools: [
          { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
          { type: 'mcp' },
        ],
        tool_choice: { type: 'function', name: 'f' },
        parallel_tool_calls: false,
        reasoning: { effort: 'high', summary: 'detailed' },
        text: {
          verbosity: 'low',
          format: { type: 'json_schema', name: 'r', schema: { type: 'object' }, strict: true },
        },
        service_tier: 'flex',
        prompt_cache_key: 'k',
        metadata: { a: 'b' },
        store: false,
        user: 'u',
        truncation: 'disabled',
        max_tool_calls: 3,
      }),
    ).toEqual({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'be kind' }] },
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      ],
      stream: true,
      sampling: { temperature: 0.5, topP: 0.9, logprobs: true, topLogprobs: 2 },
      maxOutputTokens: 100,
      tools: [
        { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
        { type: 'provider', name: 'mcp', config: { type: 'mcp' } },
      ],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      reasoning: { effort: 'high', summary: 'detailed' },
      responseFormat: { type: 'json-schema', name: 'r', schema: { type: 'object' }, strict: true },
      verbosity: 'low',
      serviceTier: 'flex',
      promptCacheKey: 'k',
      extra: { max_tool_calls: 3 },
    });
  });

  it('makes one turn of what an assistant thought, said and called', () => {
    expect(
      call({
        input: [
          { role: 'developer', content: [{ type: 'input_text', text: 'rule' }] },
          { type: 'message', role: 'user', content: 'look' },
          {
            type: 'reasoning',
            id: 'rs_1',
            summary: [
              { type: 'summary_text', text: 'one' },
              { type: 'summary_text', text: 'two' },
            ],
            encrypted_content: 'gAAA',
          },
          {
            type: 'message',
            id: 'msg_1',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: 'so' }],
          },
          { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
          { type: 'function_call', call_id: 'b', name: 'f', arguments: '' },
          { type: 'function_call_output', call_id: 'a', output: 'cat' },
          {
            type: 'function_call_output',
            call_id: 'b',
            output: [{ type: 'input_image', detail: 'high', image_url: 'https://example.com/i.png' }],
          },
          { role: 'assistant', content: null },
        ],
      }).messages,
    ).toEqual([
      { role: 'developer', content: [{ type: 'text', text: 'rule' }] },
      { role: 'user', content: [{ type: 'text', text: 'look' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'one', format: 'openai-responses-v1', id: 'rs_1', summary: true },
          {
            type: 'reasoning',
            text: 'two',
            format: 'openai-responses-v1',
            id: 'rs_1',
            summary: true,
            encrypted: 'gAAA',
          },
          { type: 'text', text: 'so' },
          { type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{}' },
          { type: 'tool-call', id: 'b', name: 'f', argumentsJson: '{}' },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'cat' }] },
          {
            type: 'tool-result',
            callId: 'b',
            content: [{ type: 'image', detail: 'high', source: { kind: 'url', url: 'https://example.com/i.png' } }],
          },
        ],
      },
    ]);
  });

  it.each<[string, object, object]>([
    [
      'a picture',
      { type: 'input_image', detail: 'auto', image_url: 'data:image/png;base64,AA==' },
      { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'AA==' } },
    ],
    [
      'a picture that the provider keeps',
      { type: 'input_image', file_id: 'f1' },
      { type: 'image', source: { kind: 'file-id', id: 'f1' } },
    ],
    [
      'a file',
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' },
      { type: 'file', filename: 'a.pdf', source: { kind: 'data', mediaType: 'application/pdf', base64: 'AA==' } },
    ],
    [
      'a file as bare base64',
      { type: 'input_file', file_data: 'AA==' },
      { type: 'file', source: { kind: 'data', mediaType: 'application/pdf', base64: 'AA==' } },
    ],
    [
      'a file elsewhere',
      { type: 'input_file', file_url: 'https://e.com/a' },
      { type: 'file', source: { kind: 'url', url: 'https://e.com/a' } },
    ],
    [
      'sound',
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } },
      { type: 'audio', format: 'mp3', source: { kind: 'data', mediaType: 'audio/mp3', base64: 'AA==' } },
    ],
    [
      'a video',
      { type: 'input_video', video_url: 'https://e.com/v' },
      { type: 'video', source: { kind: 'url', url: 'https://e.com/v' } },
    ],
  ])('shows %s', (_, part, expected) => {
    expect(call({ input: [{ role: 'user', content: [part] }] }).messages).toEqual([
      { role: 'user', content: [expected] },
    ]);
  });

  it.each<[string, object, string]>([
    ['a prompt that is kept elsewhere', { prompt: { id: 'p' } }, 'prompt'],
    ['an item that only its provider can read', { input: [{ type: 'computer_call' }] }, 'input[0].type'],
    ['a choice of a tool that the provider runs', { tool_choice: { type: 'web_search' } }, 'tool_choice'],
    [
      'a picture in the instructions',
      { input: [{ role: 'system', content: [{ type: 'input_image', file_id: 'f' }] }] },
      'input[0].content[0].type',
    ],
    [
      'a data URL without base64',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:,x' }] }] },
      'input[0].content[0].image_url',
    ],
  ])('cannot be translated with %s', (_, body, field) => {
    expect(() => call(body)).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });
});
