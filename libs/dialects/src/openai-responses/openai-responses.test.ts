// Responses at the edge: what a request means, how a bad one is refused, how errors are told, and what the bill does to the end of an answer.
import { WaystationError, type ErrorCode } from '@waystation/contracts';
import { openAiResponses } from './openai-responses.js';

const options = { hash: (text: string) => `#${text.length}` };
const valid = { model: 'lab/small', input: 'hi' };
const read = (body: object) => openAiResponses.readRequest(Buffer.from(JSON.stringify(body)), options);
const user = (...content: object[]) => ({ ...valid, input: [{ role: 'user', content }] });

describe('a request', () => {
  it('has its features, and no text', () => {
    const request = read({
      ...valid,
      stream: true,
      store: false,
      previous_response_id: null,
      instructions: 'secret instructions',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'secret words' },
            { type: 'input_image', detail: 'auto', image_url: 'data:image/png;base64,AAAA' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
          ],
        },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'g' },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'done' },
        { type: 'web_search_call', id: 'ws_1' },
      ],
      max_output_tokens: 100,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', name: 'r', schema: {} }, verbosity: 'low' },
      tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }],
      tool_choice: { type: 'function', name: 'f' },
      service_tier: 'flex',
      safety_identifier: 'u-1',
      models: ['lab/large'],
    });
    expect(request).toMatchObject({
      models: ['lab/small', 'lab/large'],
      stream: true,
      endUserId: 'u-1',
      inputImages: 1,
      inputTokensMax: Number.POSITIVE_INFINITY,
      features: {
        api: 'responses',
        dialect: 'openai-responses',
        maxOutputTokens: 100,
        inputModalities: ['text', 'image', 'file'],
        parameters: [
          'max_tokens',
          'tools',
          'tool_choice',
          'reasoning',
          'structured_outputs',
          'response_format',
          'verbosity',
        ],
        toolCount: 2,
        messageCount: 4,
        serviceTier: 'flex',
      },
    });
    expect(JSON.stringify(request)).not.toContain('secret');
  });

  it('bounds the tokens of a prompt that is text by its bytes', () => {
    expect(read(valid).inputTokensMax).toBeLessThan(200);
    expect(read({ ...valid, prompt: { id: 'pmpt_1' } }).inputTokensMax).toBe(Number.POSITIVE_INFINITY);
  });

  it.each<[string, object, string]>([
    ['no input', { model: 'm' }, 'input'],
    ['an empty list', { ...valid, input: [] }, 'input'],
    ['input that is a number', { ...valid, input: 7 }, 'input'],
    ['an item that is a text', { ...valid, input: ['hi'] }, 'input[0]'],
    ['an item of a type that is no text', { ...valid, input: [{ type: 7 }] }, 'input[0].type'],
    ['a role that does not exist', { ...valid, input: [{ role: 'tool', content: 'x' }] }, 'input[0].role'],
    ['a user who says nothing', { ...valid, input: [{ role: 'user' }] }, 'input[0].content'],
    ['a part that is a text', { ...valid, input: [{ role: 'user', content: ['x'] }] }, 'input[0].content[0]'],
    ['a part of chat completions', user({ type: 'text', text: 'x' }), 'input[0].content[0].type'],
    ['a text without text', user({ type: 'input_text' }), 'input[0].content[0].text'],
    ['an image without one', user({ type: 'input_image', image_url: null }), 'input[0].content[0].image_url'],
    ['a file without one', user({ type: 'input_file', filename: 'a' }), 'input[0].content[0]'],
    ['sound without data', user({ type: 'input_audio' }), 'input[0].content[0].input_audio.data'],
    ['a video without address', user({ type: 'input_video' }), 'input[0].content[0].video_url'],
    ['a call without id', { ...valid, input: [{ type: 'function_call', name: 'f' }] }, 'input[0].call_id'],
    ['a result without id', { ...valid, input: [{ type: 'function_call_output', output: '' }] }, 'input[0].call_id'],
    ['a result of nothing', { ...valid, input: [{ type: 'function_call_output', call_id: 'c' }] }, 'input[0].output'],
    [
      'a thought whose summary is a text',
      { ...valid, input: [{ type: 'reasoning', summary: 'x' }] },
      'input[0].summary',
    ],
    ['an item that would be stored', { ...valid, input: [{ type: 'item_reference', id: 'i' }] }, 'input[0].type'],
    ['instructions that are a list', { ...valid, instructions: [] }, 'instructions'],
    ['a cap of nothing', { ...valid, max_output_tokens: 0 }, 'max_output_tokens'],
    ['a temperature of 3', { ...valid, temperature: 3 }, 'temperature'],
    ['a top_p of 2', { ...valid, top_p: 2 }, 'top_p'],
    ['30 logprobs', { ...valid, top_logprobs: 30 }, 'top_logprobs'],
    ['a tool without type', { ...valid, tools: [{ name: 'f' }] }, 'tools'],
    ['a function without name', { ...valid, tools: [{ type: 'function' }] }, 'tools'],
    ['a choice that does not exist', { ...valid, tool_choice: 'any' }, 'tool_choice'],
    ['a choice of a function without name', { ...valid, tool_choice: { type: 'function' } }, 'tool_choice'],
    ['31 calls of tools', { ...valid, max_tool_calls: 31 }, 'max_tool_calls'],
    ['an effort that does not exist', { ...valid, reasoning: { effort: 'huge' } }, 'reasoning'],
    ['a summary that does not exist', { ...valid, reasoning: { summary: 'long' } }, 'reasoning'],
    ['a format that does not exist', { ...valid, text: { format: { type: 'xml' } } }, 'text'],
    ['a schema without name', { ...valid, text: { format: { type: 'json_schema', schema: {} } } }, 'text'],
    ['a schema that is none', { ...valid, text: { format: { type: 'json_schema', name: 'r' } } }, 'text'],
    ['an end user that is a number', { ...valid, user: 7 }, 'user'],
    ['truncation by guess', { ...valid, truncation: 'guess' }, 'truncation'],
    ['a wish to be stored', { ...valid, store: true }, 'store'],
    ['a response that came before', { ...valid, previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a conversation that is kept', { ...valid, conversation: 'conv_1' }, 'conversation'],
    ['a wish to be called back', { ...valid, background: true }, 'background'],
  ])('is refused for %s', (_, body, field) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });

  it('is strict about `provider` alone', () => {
    expect(() => read({ ...valid, provider: { nonsense: 1 } })).toThrow(
      expect.objectContaining({ code: 'unknown_parameter' }),
    );
    expect(read({ ...valid, nonsense: 1 }).models).toEqual(['lab/small']);
  });

  it('is told what has no effect', () => {
    expect(read({ ...valid, plugins: [{ id: 'auto-router' }], stop_server_tools_when: {} }).warnings).toEqual([
      expect.objectContaining({ field: 'stop_server_tools_when' }),
      expect.objectContaining({ field: 'plugins' }),
    ]);
  });

  it('belongs to its conversation by session, cache key or opening', () => {
    const of = (body: object): string | undefined => read({ ...valid, ...body }).features.conversation;
    const later = { role: 'user', content: 'more and more' };
    const first = { role: 'user', content: 'hi' };
    expect(of({ input: [first] })).toBe(of({ input: [first, later] }));
    expect(of({ session_id: 's', input: 'a' })).toBe(of({ session_id: 's', input: 'quite another' }));
    expect(of({ prompt_cache_key: 'k', input: 'a' })).toBe(of({ prompt_cache_key: 'k', input: 'quite another' }));
  });
});

const answer = { generationId: 'gen-1700000000-abc', createdSeconds: 1_700_000_000, model: 'm', providerName: 'P' };
const eventsOf = (wire: string) =>
  wire
    .split('\n\n')
    .filter((event) => event !== '' && event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as { type: string; response: object });

describe('an error', () => {
  it.each<[ErrorCode, number, string]>([
    ['rate_limited', 429, 'rate_limit_exceeded'],
    ['invalid_request', 400, 'invalid_prompt'],
    ['context_length_exceeded', 400, 'invalid_prompt'],
    ['content_policy_violation', 400, 'image_content_policy_violation'],
    ['insufficient_credits', 402, 'server_error'],
    ['invalid_credentials', 401, 'server_error'],
  ])('%s before an answer is %i, %s', (code, status, word) => {
    const error = new WaystationError(code, 'because');
    const told = openAiResponses.toError(error);
    expect(told.status).toBe(status);
    expect(JSON.parse(told.body)).toMatchObject({
      error: { code: word, message: 'because' },
      error_type: error.row.type,
      metadata: { waystation_code: code },
    });
  });

  it('in a stream is the failure of the response, and its end', () => {
    const wire = openAiResponses.streamError(answer, new WaystationError('provider_overloaded', 'P is busy'));
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(eventsOf(wire)).toEqual([
      expect.objectContaining({
        type: 'response.failed',
        response: expect.objectContaining({
          id: answer.generationId,
          status: 'failed',
          error: { code: 'server_error', message: 'P is busy' },
          error_type: 'provider_overloaded',
        }) as unknown,
      }),
    ]);
  });

  it('of length in a generation is an answer that reached its limit, streamed or not', () => {
    const error = new WaystationError('context_length_exceeded', 'too long');
    const expected = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      error: null,
      error_type: 'context_length_exceeded',
      output: [],
    };
    const told = openAiResponses.toError(error, answer);
    expect([told.status, JSON.parse(told.body)]).toEqual([200, expect.objectContaining(expected)]);
    expect(eventsOf(openAiResponses.streamError(answer, error))).toEqual([
      expect.objectContaining({ type: 'response.incomplete', response: expect.objectContaining(expected) as unknown }),
    ]);
  });
});

const bill = {
  usage: { input: 10, cacheRead: 90, cacheWrite: 5, output: 7, reasoning: 3 },
  cost: 1_234_567n,
  promptCost: 1_000_000n,
  completionCost: 234_567n,
  byok: false,
};
const counted = {
  input_tokens: 105,
  input_tokens_details: { cached_tokens: 90, cache_write_tokens: 5 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 3 },
  total_tokens: 115,
  cost: 0.000001234567,
  is_byok: false,
};

describe('the bill', () => {
  it('goes into the response of the last event', () => {
    const tail = 'event: response.completed\ndata: {"type":"response.completed","response":{"output":[]}}\n\n';
    const wire = openAiResponses.streamEnd(answer, bill, tail);
    expect(eventsOf(wire)).toEqual([
      { type: 'response.completed', response: { output: [], usage: expect.objectContaining(counted) as unknown } },
    ]);
    expect(wire.endsWith('}}}\n\ndata: [DONE]\n\n')).toBe(true);
  });

  it('is null there while it is not known, and a worker that left no end is made up for', () => {
    expect(eventsOf(openAiResponses.streamEnd(answer, undefined, undefined))).toEqual([
      expect.objectContaining({
        type: 'response.completed',
        response: expect.objectContaining({ id: answer.generationId, status: 'completed', usage: null }) as unknown,
      }),
    ]);
  });

  it('replaces the usage of a body, and stays away while it is not known', () => {
    const body = Buffer.from('{"id":"a","usage":{"input_tokens":1},"output":[]}');
    expect(JSON.parse(openAiResponses.withBill(body, bill)?.toString() ?? '')).toMatchObject({
      id: 'a',
      usage: counted,
      output: [],
    });
    expect(JSON.parse(openAiResponses.withBill(Buffer.from('{"id":"a"}'), bill)?.toString() ?? '')).toMatchObject({
      usage: counted,
    });
    expect(openAiResponses.withBill(body, undefined)).toBe(body);
    expect(openAiResponses.withBill(Buffer.from('no'), bill)).toBeUndefined();
  });
});
