// Messages at the edge: what a request means, how a bad one is refused, and what the bill does to the end of an answer.
import { WaystationError } from '@waystation/contracts';
import { anthropicMessages } from './anthropic-messages.js';

const options = { hash: (text: string) => `#${text.length}` };
const valid = { model: 'lab/small', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] };
const read = (body: object) => anthropicMessages.readRequest(Buffer.from(JSON.stringify(body)), options);

describe('a request', () => {
  it('has its features, and no text', () => {
    const request = read({
      ...valid,
      stream: true,
      system: [{ type: 'text', text: 'secret words' }],
      stop_sequences: ['x'],
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
        },
      ],
      metadata: { user_id: 'u-1' },
      fallbacks: [{ model: 'lab/large' }],
    });
    expect(request).toMatchObject({
      models: ['lab/small', 'lab/large'],
      stream: true,
      endUserId: 'u-1',
      inputImages: 1,
      features: {
        api: 'messages',
        dialect: 'anthropic-messages',
        maxOutputTokens: 100,
        inputModalities: ['text', 'image'],
        parameters: ['max_tokens', 'stop', 'tools', 'reasoning'],
        toolCount: 1,
      },
    });
    expect(JSON.stringify(request)).not.toContain('secret');
  });

  it.each<[string, object, string]>([
    ['no messages', { model: 'm' }, 'messages'],
    ['an empty list of them', { ...valid, messages: [] }, 'messages'],
    ['a role that does not exist', { ...valid, messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    ['content that is a number', { ...valid, messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    [
      'a block without a type',
      { ...valid, messages: [{ role: 'user', content: [{}] }] },
      'messages[0].content[0].type',
    ],
    [
      'a text without text',
      { ...valid, messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
    ],
    ['a cap of nothing', { ...valid, max_tokens: 0 }, 'max_tokens'],
    ['thinking without a budget', { ...valid, thinking: { type: 'enabled' } }, 'thinking'],
    ['a choice of a tool without its name', { ...valid, tool_choice: { type: 'tool' } }, 'tool_choice'],
    ['fallbacks beside models', { ...valid, models: ['a'], fallbacks: [{ model: 'b' }] }, 'fallbacks'],
    ['four fallbacks', { ...valid, fallbacks: [1, 2, 3, 4].map((n) => ({ model: `m${n}` })) }, 'fallbacks'],
  ])('is refused for %s', (_, body, field) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });

  it('is strict about `provider` alone', () => {
    expect(() => read({ ...valid, provider: { nonsense: 1 } })).toThrow(
      expect.objectContaining({ code: 'unknown_parameter' }),
    );
    expect(read({ ...valid, nonsense: 1 }).models).toEqual(['lab/small']);
  });
});

describe('an error', () => {
  it.each([
    ['invalid_credentials', 'authentication_error'],
    ['invalid_request', 'invalid_request_error'],
    ['provider_overloaded', 'overloaded_error'],
    ['internal', 'api_error'],
  ] as const)('%s is a %s', (code, type) => {
    const { body } = anthropicMessages.toError(new WaystationError(code, 'because'), {
      generationId: 'gen-1',
      createdSeconds: 1,
      model: 'm',
    });
    expect(JSON.parse(body)).toMatchObject({
      type: 'error',
      error: { type, message: 'because' },
      request_id: 'gen-1',
    });
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
  input_tokens: 10,
  cache_read_input_tokens: 90,
  cache_creation_input_tokens: 5,
  output_tokens: 10,
  cost: 0.000001234567,
  is_byok: false,
};

describe('the bill', () => {
  it('goes into the last delta of a stream', () => {
    const answer = { generationId: 'gen-1', createdSeconds: 1, model: 'm' };
    const events = anthropicMessages.streamEnd(answer, bill, undefined).split('\n\n');
    expect(events).toHaveLength(3);
    expect(JSON.parse(events[0]?.split('data: ')[1] ?? '')).toMatchObject({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: counted,
    });
    expect(events[1]).toBe('event: message_stop\ndata: {"type":"message_stop"}');
  });

  it('replaces the usage of a body, and stays away while it is not known', () => {
    const body = Buffer.from('{"id":"a","usage":{"input_tokens":1},"content":[]}');
    expect(JSON.parse(anthropicMessages.withBill(body, bill)?.toString() ?? '')).toMatchObject({
      id: 'a',
      usage: counted,
      content: [],
    });
    expect(anthropicMessages.withBill(body, undefined)).toBe(body);
    expect(anthropicMessages.withBill(Buffer.from('no'), bill)).toBeUndefined();
  });
});
