import { sentEvents, testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const messages = [{ role: 'user', content: 'say something nice' }];
const post = (model: string, more: object = {}): Promise<Asked> =>
  sandbox.post('/v2/chat', { model, messages, ...more });
const stream = (model: string, more: object = {}): Promise<Asked> => post(model, { stream: true, ...more });
const tools = [
  {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
];
const json = ({ text }: Asked) => JSON.parse(text);

const joined = (asked: Asked) => {
  const content: { type: string; text: string }[] = [];
  const calls: { id: string; function: { name: string; arguments: string } }[] = [];
  for (const { event, data } of sentEvents(asked)) {
    expect(data.type).toBe(event);
    const message = data.delta?.message;
    if (event === 'content-start') content[data.index] = { type: message.content.type, text: '' };
    const block = content[data.index];
    if (event === 'content-delta' && block !== undefined) block.text += message.content[block.type];
    if (event === 'tool-call-start') calls[data.index] = message.tool_calls;
    const call = calls[data.index];
    if (event === 'tool-call-delta' && call !== undefined)
      call.function.arguments += message.tool_calls.function.arguments;
  }
  return {
    role: 'assistant',
    ...(content.length === 0 ? {} : { content: content.map(({ type, text }) => ({ type, [type]: text })) }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
};

describe("Cohere's chat", () => {
  it.each([
    ['echo', {}],
    ['reason', {}],
    ['tools', { tools }],
    ['parallel', { tools }],
    ['empty', {}],
  ])('says the same with and without a stream: %s', async (model, more) => {
    const whole = json(await post(model, more));
    const asked = await stream(model, more);
    expect(joined(asked)).toEqual(whole.message);
    expect(sentEvents(asked).at(-1)?.data).toMatchObject({
      type: 'message-end',
      delta: { finish_reason: whole.finish_reason, usage: whole.usage },
    });
    expect(asked.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(sandbox.truthOf(asked)).toMatchObject({
      dialect: 'cohere',
      outcome: 'completed',
      promptTokens: whole.usage.billed_units.input_tokens,
      completionTokens: whole.usage.billed_units.output_tokens,
    });
  });

  it('goes on with the results of its tools, and with those only', async () => {
    const { message } = json(await post('tools', { tools }));
    const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '21 degrees' };
    const second = json(await post('tools', { tools, messages: [...messages, message, result] }));
    expect([second.finish_reason, second.message.content[0].type]).toEqual(['COMPLETE', 'text']);
    expect((await post('tools', { tools, messages: [...messages, message, ...messages] })).status).toBe(400);
    expect((await post('tools', { tools, messages: [...messages, result] })).status).toBe(400);
  });

  it.each([
    ['a temperature over 1', { temperature: 1.5 }, /temperature/],
    ['a tool by name', { tools, tool_choice: { type: 'function', function: { name: 'weather' } } }, /REQUIRED or NONE/],
    ['a schema as OpenAI has it', { response_format: { type: 'json_schema' } }, /json_object/],
    ['a message of nothing', { messages: [{ role: 'user', content: '' }] }, /at least one token/],
  ])('refuses %s', async (_, more, message) => {
    const asked = await post('echo', more);
    expect([asked.status, Object.keys(json(asked))]).toEqual([400, ['message']]);
    expect(json(asked).message).toMatch(message);
  });

  it.each([
    ['fail-429', 429],
    ['fail-500', 500],
  ])('%s fails with %i', async (model, status) => {
    const asked = await post(model);
    expect([asked.status, json(asked)]).toEqual([status, { message: expect.any(String) }]);
  });

  it('breaks, or ends in an error, and bills what came', async () => {
    const died = await stream('die-after-30');
    expect([died.broken, sandbox.truthOf(died).completionTokens]).toEqual([true, 30]);
    const failed = await stream('error-after-5');
    expect(sentEvents(failed).at(-1)?.data.delta).toMatchObject({ finish_reason: 'ERROR', error: expect.any(String) });
    expect(sandbox.truthOf(failed)).toMatchObject({ outcome: 'failed', completionTokens: 5, promptTokens: 9 });
    expect((await stream('no-finish')).text).not.toMatch(/message-end|DONE/);
  });

  it.each([
    ['no-usage', undefined],
    ['usage-negative', { input_tokens: -9, output_tokens: -32 }],
    ['late-usage', { input_tokens: 9, output_tokens: 32 }],
  ])('%s tells what it is named after', async (model, usage) => {
    const told = sentEvents(await stream(model)).at(-1)?.data.delta.usage;
    expect(told?.billed_units).toEqual(usage);
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s says the same as a plain stream', async (wire) => {
    const plain = await stream('reason', { sandbox: { outputTokens: 4 } });
    expect(joined(await stream('reason', { sandbox: { outputTokens: 4, wire } }))).toEqual(joined(plain));
  });

  it('answers with JSON that fits the schema asked for', async () => {
    const json_schema = { type: 'object', properties: { mood: { enum: ['good'] } } };
    const { message } = json(await post('echo', { response_format: { type: 'json_object', json_schema } }));
    expect(message.content[0].text).toBe('{"mood":"good"}');
  });
});
