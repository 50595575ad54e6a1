import { crc32 } from 'node:zlib';
import { testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const SIGNED = {
  authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261126/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0a'.repeat(32)}`,
  'x-amz-date': '20261126T120000Z',
};
const messages = [{ role: 'user', content: [{ text: 'say something nice' }] }];
const post = (model: string, more: object = {}, headers: Readonly<Record<string, string>> = SIGNED): Promise<Asked> =>
  sandbox.post(`/model/${model}/converse`, { messages, ...more }, headers);
const stream = (model: string, more: object = {}): Promise<Asked> =>
  sandbox.post(`/model/${model}/converse-stream`, { messages, ...more }, SIGNED);
const toolConfig = {
  tools: [
    {
      toolSpec: {
        name: 'weather',
        inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    },
  ],
};
const json = ({ text }: Asked) => JSON.parse(text);

interface BinaryEvent {
  readonly headers: Readonly<Record<string, string>>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any payload; the test judges it
  readonly payload: any;
}

/** Reads whole messages, both checksums checked. */
const binaryEvents = ({ bytes }: Asked): BinaryEvent[] => {
  const events: BinaryEvent[] = [];
  for (let at = 0; at + 16 <= bytes.length;) {
    const total = bytes.readUInt32BE(at);
    const headersEnd = at + 12 + bytes.readUInt32BE(at + 4);
    expect(bytes.readUInt32BE(at + 8)).toBe(crc32(bytes.subarray(at, at + 8)));
    expect(bytes.readUInt32BE(at + total - 4)).toBe(crc32(bytes.subarray(at, at + total - 4)));
    const headers: Record<string, string> = {};
    for (let from = at + 12; from < headersEnd;) {
      const nameEnd = from + 1 + bytes.readUInt8(from);
      const valueEnd = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
      headers[bytes.toString('utf8', from + 1, nameEnd)] = bytes.toString('utf8', nameEnd + 3, valueEnd);
      from = valueEnd;
    }
    events.push({ headers, payload: JSON.parse(bytes.toString('utf8', headersEnd, at + total - 4)) });
    at += total;
  }
  return events;
};

const joined = (asked: Asked) => {
  const blocks: Record<string, unknown>[] = [];
  for (const { headers, payload } of binaryEvents(asked)) {
    const block = (blocks[payload.contentBlockIndex] ??= { text: '', input: '' });
    if (headers[':event-type'] === 'contentBlockStart') Object.assign(block, payload.start.toolUse);
    if (headers[':event-type'] !== 'contentBlockDelta') continue;
    const { text, toolUse, reasoningContent: thought } = payload.delta;
    block['text'] = `${String(block['text'])}${text ?? thought?.text ?? ''}`;
    block['input'] = `${String(block['input'])}${toolUse?.input ?? ''}`;
    if (thought?.signature !== undefined) block['signature'] = thought.signature;
  }
  return blocks.map(({ text, input, signature, ...tool }) => {
    if (signature !== undefined) return { reasoningContent: { reasoningText: { text, signature } } };
    return 'name' in tool ? { toolUse: { ...tool, input: JSON.parse(String(input)) } } : { text };
  });
};

describe("Bedrock's Converse", () => {
  it.each([
    ['echo', {}],
    ['reason', {}],
    ['tools', { toolConfig }],
    ['parallel', { toolConfig }],
    ['reason-tools', { toolConfig }],
  ])('says the same with and without a stream: %s', async (model, more) => {
    const whole = json(await post(model, more));
    const asked = await stream(model, more);
    const events = binaryEvents(asked);
    expect(joined(asked)).toEqual(whole.output.message.content);
    expect(events[0]).toMatchObject({ headers: { ':event-type': 'messageStart', ':message-type': 'event' } });
    expect(events.at(-2)?.payload.stopReason).toBe(whole.stopReason);
    expect(events.at(-1)?.payload.usage).toEqual(whole.usage);
    expect(asked.headers.get('content-type')).toBe('application/vnd.amazon.eventstream');
    expect(sandbox.truthOf(asked)).toMatchObject({
      dialect: 'bedrock-converse',
      id: asked.headers.get('x-amzn-requestid'),
      outcome: 'completed',
      promptTokens: whole.usage.inputTokens,
      completionTokens: whole.usage.outputTokens,
    });
  });

  it('takes text beyond ASCII over the binary stream', async () => {
    const text = 'Größe 😀 — ありがとう';
    expect(joined(await stream('echo', { messages: [{ role: 'user', content: [{ text }] }] }))).toEqual([{ text }]);
  });

  it('tells cached tokens beside the others', async () => {
    const { usage } = json(await post('echo', { sandbox: { cachedTokens: 3 } }));
    expect(usage).toMatchObject({ inputTokens: 6, cacheReadInputTokens: 3, outputTokens: 5, totalTokens: 14 });
  });

  it('takes back what it thought as it was, and nothing else', async () => {
    const { content } = json(await post('reason-tools', { toolConfig })).output.message;
    const [thought, use] = content;
    const result = { toolResult: { toolUseId: use.toolUse.toolUseId, content: [{ text: '21 degrees' }] } };
    const back = (blocks: unknown[], answers: unknown[] = [result]) =>
      post('reason-tools', {
        toolConfig,
        messages: [...messages, { role: 'assistant', content: blocks }, { role: 'user', content: answers }],
      });
    const second = await back([thought, use]);
    expect([second.status, json(second).stopReason]).toEqual([200, 'end_turn']);
    const { text, signature } = thought.reasoningContent.reasoningText;
    for (const reasoningText of [{ text, signature: 'x' }, { text: 'another', signature }, { text }]) {
      const refused = await back([{ reasoningContent: { reasoningText } }, use]);
      expect([refused.status, refused.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationException']);
      expect(json(refused).message).toMatch(/Invalid `signature`/);
    }
    expect(json(await back([thought, use], [{ text: 'well' }])).message).toMatch(/Expected toolResult blocks/);
  });

  it.each([
    ['no signature', {}, /Missing Authentication Token/],
    ['another kind of it', { ...SIGNED, authorization: 'Basic x' }, /no AWS4-HMAC-SHA256/],
    ['no date', { authorization: SIGNED.authorization }, /X-Amz-Date/],
    ['the date of another day', { ...SIGNED, 'x-amz-date': '20261127T120000Z' }, /X-Amz-Date/],
    [
      'a date that is not signed',
      { ...SIGNED, authorization: SIGNED.authorization.replace(';x-amz-date', '') },
      /'x-amz-date' must/,
    ],
  ])('refuses %s', async (_, headers, message) => {
    const asked = await post('echo', {}, headers);
    expect([asked.status, asked.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
    expect(json(asked).message).toMatch(message);
  });

  it('takes one of its API keys instead', async () => {
    expect((await post('echo', {}, { authorization: 'Bearer key' })).status).toBe(200);
  });

  it.each([
    ['two of one role', { messages: [...messages, ...messages] }, /alternate/],
    ['a blank text', { messages: [{ role: 'user', content: [{ text: ' ' }] }] }, /is blank/],
    [
      'tool results without tools',
      { messages: [{ role: 'user', content: [{ toolResult: { toolUseId: 'x', content: [] } }] }] },
      /toolConfig/,
    ],
  ])('refuses %s', async (_, more, message) => {
    const asked = await post('echo', more);
    expect(asked.status).toBe(400);
    expect(json(asked).message).toMatch(message);
  });

  it.each([
    ['fail-429', 429, 'ThrottlingException'],
    ['fail-500', 500, 'InternalServerException'],
    ['fail-529', 529, 'ServiceUnavailableException'],
    ['unheard-of', 404, 'ResourceNotFoundException'],
  ])('%s fails with %i', async (model, status, type) => {
    const asked = await post(model);
    expect([asked.status, asked.headers.get('x-amzn-errortype')]).toEqual([status, type]);
    expect(json(asked)).toEqual({ message: expect.any(String) });
  });

  it('breaks after 30 tokens, or ends in an exception, and bills what came', async () => {
    const died = await stream('die-after-30');
    expect([died.broken, sandbox.truthOf(died).completionTokens]).toEqual([true, 30]);
    const failed = await stream('error-after-5');
    expect(binaryEvents(failed).at(-1)).toMatchObject({
      headers: { ':message-type': 'exception', ':exception-type': 'internalServerException' },
      payload: { message: expect.any(String) },
    });
    expect(sandbox.truthOf(failed)).toMatchObject({ outcome: 'failed', completionTokens: 5, promptTokens: 9 });
    const unfinished = binaryEvents(await stream('no-finish'));
    expect(unfinished.map(({ headers }) => headers[':event-type'])).not.toContain('messageStop');
  });

  it.each([
    ['no-usage', undefined],
    ['usage-placeholder', { inputTokens: 0, outputTokens: 0 }],
    ['usage-negative', { inputTokens: -9, outputTokens: -32 }],
    ['late-usage', { inputTokens: 9, outputTokens: 32 }],
  ])('%s tells what it is named after', async (model, usage) => {
    const told = binaryEvents(await stream(model)).at(-1)?.payload.usage;
    if (usage === undefined) expect(told).toBeUndefined();
    else expect(told).toMatchObject(usage);
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s leaves the binary stream whole', async (wire) => {
    const plain = await stream('reason', { sandbox: { outputTokens: 4 } });
    expect(joined(await stream('reason', { sandbox: { outputTokens: 4, wire } }))).toEqual(joined(plain));
  });
});
