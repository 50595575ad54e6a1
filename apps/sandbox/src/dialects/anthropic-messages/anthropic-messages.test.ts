import { sentEvents, testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const VERSION = { 'anthropic-version': '2023-06-01' };
const messages = [{ role: 'user', content: 'say something nice' }];
const post = (model: string, more: object = {}, headers: Readonly<Record<string, string>> = VERSION): Promise<Asked> =>
  sandbox.post('/v1/messages', { model, max_tokens: 4_096, messages, ...more }, headers);
const stream = (model: string, more: object = {}): Promise<Asked> => post(model, { stream: true, ...more });
const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }];
const json = ({ text }: Asked) => JSON.parse(text);

/** The message that the events of a stream add up to. */
const joined = (asked: Asked) => {
  const blocks: Record<string, unknown>[] = [];
  let message: Record<string, unknown> = {};
  for (const { event, data } of sentEvents(asked)) {
    expect(data.type).toBe(event);
    if (data.type === 'message_start') message = data.message;
    if (data.type === 'content_block_start') blocks[data.index] = { ...data.content_block, json: '' };
    if (data.type === 'content_block_delta') {
      const block = blocks[data.index] ?? {};
      const { type, ...delta } = data.delta;
      const [[member, value] = ['', '']] = Object.entries(delta as Record<string, string>);
      const to = type === 'input_json_delta' ? 'json' : member;
      block[to] = `${String(block[to])}${value}`;
    }
    if (data.type === 'message_delta') message = { ...message, ...data.delta, usage: data.usage };
  }
  const content = blocks.map(({ json: input, ...block }) =>
    block['type'] === 'tool_use' ? { ...block, input: JSON.parse(String(input)) } : block,
  );
  return { ...message, content };
};

describe("Anthropic's Messages", () => {
  it.each([
    ['echo', {}],
    ['reason', {}],
    ['tools', { tools }],
    ['parallel', { tools }],
    ['empty', {}],
  ])('say the same with and without a stream: %s', async (model, more) => {
    const whole = await post(model, more);
    const streamed = await stream(model, more);
    const { id, usage, ...message } = json(whole);
    expect(id).toBe(whole.headers.get('request-id'));
    expect(joined(streamed)).toMatchObject(message);
    expect(joined(streamed)).toMatchObject({ usage });
    const types = sentEvents(streamed).map(({ event }) => event);
    expect([types[0], types.at(-1)]).toEqual(['message_start', 'message_stop']);
    for (const asked of [whole, streamed])
      expect(sandbox.truthOf(asked)).toMatchObject({
        dialect: 'anthropic-messages',
        outcome: 'completed',
        promptTokens: usage.input_tokens,
        completionTokens: usage.output_tokens,
      });
  });

  it('tell cached tokens beside the others', async () => {
    const { usage } = json(await post('echo', { sandbox: { cachedTokens: 3 } }));
    expect(usage).toEqual({
      input_tokens: 6,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 3,
      output_tokens: 5,
    });
  });

  it('take back what they thought as it was, and nothing else', async () => {
    const { content } = json(await post('reason-tools', { tools }));
    const [thinking, use] = content;
    expect(content).toMatchObject([{ type: 'thinking', signature: expect.any(String) }, { type: 'tool_use' }]);
    const result = { type: 'tool_result', tool_use_id: use.id, content: '21 degrees' };
    const back = (blocks: unknown[]) =>
      post('reason-tools', {
        tools,
        messages: [...messages, { role: 'assistant', content: blocks }, { role: 'user', content: [result] }],
      });
    const second = await back([thinking, use]);
    expect([second.status, json(second).stop_reason]).toEqual([200, 'end_turn']);
    for (const altered of [
      { ...thinking, signature: 'x' },
      { ...thinking, thinking: 'another thought' },
    ]) {
      const refused = await back([altered, use]);
      expect([refused.status, json(refused)]).toEqual([
        400,
        {
          type: 'error',
          error: {
            type: 'invalid_request_error',
            message: 'messages.1.content.0: Invalid `signature` in `thinking` block',
          },
        },
      ]);
    }
  });

  it.each([
    ['fail-400', 400, 'invalid_request_error'],
    ['fail-401', 401, 'authentication_error'],
    ['fail-429', 429, 'rate_limit_error'],
    ['fail-500', 500, 'api_error'],
    ['fail-529', 529, 'overloaded_error'],
    ['unheard-of', 404, 'not_found_error'],
  ])('%s fails with %i in their envelope', async (model, status, type) => {
    const asked = await post(model);
    expect(asked.status).toBe(status);
    expect(json(asked)).toEqual({ type: 'error', error: { type, message: expect.any(String) } });
    if (model === 'fail-429') expect(asked.headers.get('retry-after')).toBe('1');
    if (model !== 'unheard-of') expect(sandbox.truthOf(asked)).toMatchObject({ outcome: 'failed', promptTokens: 0 });
  });

  it.each([
    ['no version', {}, {}, /anthropic-version/],
    ['no max_tokens', { max_tokens: undefined }, VERSION, /max_tokens/],
    ['a temperature over 1', { temperature: 1.5 }, VERSION, /temperature/],
    [
      'a fifth mark of the cache',
      {
        messages: [
          {
            role: 'user',
            content: Array.from({ length: 5 }, () => ({
              type: 'text',
              text: 'x',
              cache_control: { type: 'ephemeral' },
            })),
          },
        ],
      },
      VERSION,
      /maximum of 4 blocks/,
    ],
    ['an empty text', { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, VERSION, /non-empty/],
    ['a system message', { messages: [{ role: 'system', content: 'hello' }] }, VERSION, /role/],
    ['a thinking budget over max_tokens', { thinking: { type: 'enabled', budget_tokens: 8_192 } }, VERSION, /budget/],
    [
      'a tool result that nobody asked for',
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] },
      VERSION,
      /unexpected/,
    ],
    [
      'a tool call without its result',
      {
        messages: [
          ...messages,
          { role: 'assistant', content: [{ type: 'tool_use', id: 'x', name: 'w', input: {} }] },
          ...messages,
        ],
      },
      VERSION,
      /without `tool_result`/,
    ],
  ])('refuse %s', async (_, more, headers, message) => {
    const asked = await post('echo', more, headers);
    expect(asked.status).toBe(400);
    expect(json(asked).error.message).toMatch(message);
  });

  it('break after 30 tokens, or end in an error event, and bill what came', async () => {
    const died = await stream('die-after-30');
    expect(died.broken).toBe(true);
    expect(sandbox.truthOf(died)).toMatchObject({ outcome: 'failed', completionTokens: 30 });
    const failed = await stream('error-after-5');
    expect(sentEvents(failed).at(-1)).toEqual({
      event: 'error',
      data: { type: 'error', error: { type: 'api_error', message: expect.any(String) } },
    });
    expect(sandbox.truthOf(failed)).toMatchObject({ outcome: 'failed', completionTokens: 5, promptTokens: 9 });
  });

  it('no-finish ends without stop reason and end', async () => {
    const types = sentEvents(await stream('no-finish')).map(({ event }) => event);
    expect(types).not.toContain('message_delta');
    expect(types).not.toContain('message_stop');
  });

  it.each([
    ['no-usage', undefined],
    ['usage-placeholder', { input_tokens: 0, output_tokens: 0 }],
    ['usage-negative', { input_tokens: -9, output_tokens: -32 }],
    ['usage-huge', { output_tokens: 1e12 }],
    ['usage-cached-over-prompt', { input_tokens: 0, cache_read_input_tokens: 1_009 }],
    ['late-usage', { input_tokens: 9, output_tokens: 32 }],
  ])('%s tells what it is named after', async (model, usage) => {
    const asked = await stream(model);
    const told = sentEvents(asked).find(({ event }) => event === 'message_delta')?.data.usage;
    if (usage === undefined) expect(told).toBeUndefined();
    else expect(told).toMatchObject(usage);
    expect(sandbox.truthOf(asked)).toMatchObject({ promptTokens: 9, completionTokens: 32 });
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s says the same as a plain stream', async (wire) => {
    const plain = await stream('reason', { sandbox: { outputTokens: 8 } });
    const varied = await stream('reason', { sandbox: { outputTokens: 8, wire } });
    expect(joined(varied)).toMatchObject({ content: joined(plain).content, stop_reason: 'end_turn' });
  });

  it('answer with JSON that fits the schema asked for', async () => {
    const schema = { type: 'object', properties: { mood: { enum: ['good', 'bad'] } }, required: ['mood'] };
    const { content } = json(await post('echo', { output_config: { format: { type: 'json_schema', schema } } }));
    expect(JSON.parse(content[0].text)).toEqual({ mood: 'good' });
  });
});
