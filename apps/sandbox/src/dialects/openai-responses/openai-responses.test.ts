import { sentEvents, testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const input = [{ role: 'user', content: 'say something nice' }];
const thoughts = { reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'] };
const post = (model: string, more: object = {}): Promise<Asked> =>
  sandbox.post('/v1/responses', { model, input, ...more });
const stream = (model: string, more: object = {}): Promise<Asked> => post(model, { stream: true, ...more });
const tools = [
  { type: 'function', name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
];
const json = ({ text }: Asked) => JSON.parse(text);
/** Ids differ from call to call. */
const withoutIds = (items: Record<string, unknown>[]) => items.map((item) => ({ ...item, id: undefined }));

describe("OpenAI's responses", () => {
  it.each([
    ['echo', {}],
    ['reason', thoughts],
    ['tools', { tools }],
    ['parallel', { tools }],
    ['reason-tools', { tools, ...thoughts }],
    ['empty', {}],
  ])('say the same with and without a stream: %s', async (model, more) => {
    const whole = json(await post(model, more));
    const asked = await stream(model, more);
    const events = sentEvents(asked).map(({ event, data }) => {
      expect(data.type).toBe(event);
      return data;
    });
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    const { response } = events.at(-1);
    expect(events.at(-1).type).toBe('response.completed');
    expect(withoutIds(response.output)).toEqual(withoutIds(whole.output));
    expect([response.usage, response.status]).toEqual([whole.usage, 'completed']);
    expect(events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)).toEqual(
      response.output,
    );
    for (const [index, item] of response.output.entries()) {
      const deltas = events.filter(({ type, output_index }) => type.endsWith('.delta') && output_index === index);
      const text = deltas.map(({ delta }) => delta).join('');
      expect(text).toBe(item.arguments ?? item.content?.[0].text ?? item.summary[0].text);
    }
    expect(sandbox.truthOf(asked)).toMatchObject({
      dialect: 'openai-responses',
      outcome: 'completed',
      promptTokens: whole.usage.input_tokens,
      completionTokens: whole.usage.output_tokens,
      reasoningTokens: whole.usage.output_tokens_details.reasoning_tokens,
    });
  });

  it('tell a summary and the sealed reasoning only where they are asked for', async () => {
    const [reasoning] = json(await post('reason')).output;
    expect(reasoning).toMatchObject({ type: 'reasoning', summary: [] });
    expect(reasoning).not.toHaveProperty('encrypted_content');
    expect((await stream('reason')).text).not.toContain('reasoning_summary');
  });

  it('take back what they thought as it was, and nothing else', async () => {
    const [reasoning, call] = json(await post('reason-tools', { tools, ...thoughts })).output;
    const result = { type: 'function_call_output', call_id: call.call_id, output: '21 degrees' };
    const back = (items: unknown[]) => post('reason-tools', { tools, input: [...input, ...items] });
    const second = await back([reasoning, call, result]);
    expect([second.status, json(second).output.at(-1).type]).toEqual([200, 'message']);
    const altered = await back([{ ...reasoning, encrypted_content: 'x' }, call, result]);
    expect([altered.status, json(altered).error.code]).toEqual([400, 'invalid_encrypted_content']);
    expect((await back([{ ...reasoning, encrypted_content: undefined }, call, result])).status).toBe(404);
    expect(json(await back([reasoning, call])).error.message).toMatch(/No tool output found/);
    expect(json(await back([result])).error.message).toMatch(/No tool call found/);
  });

  it.each([
    ['messages', { messages: [] }, /moved to 'input'/],
    ['fewer than 16 tokens', { max_output_tokens: 5 }, /at least 16/],
    [
      'an input part of an assistant',
      { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
      /output_text/,
    ],
    ['a nested function', { tools: [{ type: 'function', function: { name: 'x' } }] }, /tools\[0\].name/],
    [
      'an id of another kind',
      { input: [{ type: 'function_call', id: 'call_1', call_id: 'x', name: 'x', arguments: '{}' }] },
      /begins with 'fc'/,
    ],
    ['a response that it does not remember', { previous_response_id: 'resp_1' }, /not found/],
  ])('refuse %s', async (_, more, message) => {
    const asked = await post('echo', more);
    expect(asked.status).toBe(400);
    expect(json(asked).error.message).toMatch(message);
  });

  it('say that they are incomplete, and why', async () => {
    expect(json(await post('reason', { max_output_tokens: 16 }))).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    const events = sentEvents(await stream('filtered'));
    expect(events.at(-1)).toMatchObject({
      event: 'response.incomplete',
      data: { response: { incomplete_details: { reason: 'content_filter' }, output: [] } },
    });
  });

  it.each([
    ['fail-429', 429, 'rate_limit_error'],
    ['fail-500', 500, 'server_error'],
  ])('%s fails with %i', async (model, status, type) => {
    const asked = await post(model);
    expect(asked.status).toBe(status);
    expect(json(asked).error).toMatchObject({ type, message: expect.any(String) });
  });

  it('break, fail inside the stream, or end early, and bill what came', async () => {
    const died = await stream('die-after-30');
    expect([died.broken, sandbox.truthOf(died).completionTokens]).toEqual([true, 30]);
    const failed = await stream('error-after-5');
    expect(sentEvents(failed).at(-1)).toMatchObject({
      event: 'response.failed',
      data: { response: { status: 'failed', error: { code: 'server_error' } } },
    });
    expect(sandbox.truthOf(failed)).toMatchObject({ outcome: 'failed', completionTokens: 5, promptTokens: 9 });
    expect(sentEvents(await stream('error-first'))).toMatchObject([{ event: 'error', data: { code: 'server_error' } }]);
    expect((await stream('no-finish')).text).not.toMatch(/response\.(completed|output_item\.done)/);
  });

  it.each([
    ['no-usage', null],
    ['usage-placeholder', { input_tokens: 0, output_tokens: 0 }],
    ['usage-negative', { input_tokens: -9, output_tokens: -32 }],
    ['late-usage', { input_tokens: 9, output_tokens: 32 }],
  ])('%s tells what it is named after', async (model, usage) => {
    const told = sentEvents(await stream(model)).at(-1)?.data.response.usage;
    if (usage === null) expect(told).toBeNull();
    else expect(told).toMatchObject(usage);
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s says the same as a plain stream', async (wire) => {
    const types = (asked: Asked) => sentEvents(asked).map(({ event }) => event);
    const plain = await stream('reason', { ...thoughts, sandbox: { outputTokens: 4 } });
    expect(types(await stream('reason', { ...thoughts, sandbox: { outputTokens: 4, wire } }))).toEqual(types(plain));
  });

  it('answer with JSON that fits the schema asked for', async () => {
    const format = {
      type: 'json_schema',
      name: 'm',
      schema: { type: 'object', properties: { mood: { enum: ['good'] } } },
    };
    expect(json(await post('echo', { text: { format } })).output[0].content[0].text).toBe('{"mood":"good"}');
  });
});
