import { sentEvents, testSandbox, type Asked, type TestSandbox } from '../../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const contents = [{ role: 'user', parts: [{ text: 'say something nice' }] }];
const thoughts = { generationConfig: { thinkingConfig: { includeThoughts: true } } };
const post = (model: string, more: object = {}): Promise<Asked> =>
  sandbox.post(`/v1beta/models/${model}:generateContent`, { contents, ...more });
const stream = (model: string, more: object = {}): Promise<Asked> =>
  sandbox.post(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, { contents, ...more });
const tools = [
  {
    functionDeclarations: [
      { name: 'weather', parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } } },
    ],
  },
];
const json = ({ text }: Asked) => JSON.parse(text);

/** Parts of all chunks, those of one kind joined. */
const joined = (asked: Asked): Record<string, unknown>[] => {
  const parts: Record<string, unknown>[] = [];
  for (const { data } of sentEvents(asked)) {
    for (const part of data.candidates?.[0]?.content.parts ?? []) {
      const last = parts.at(-1);
      if (last !== undefined && 'text' in part && 'text' in last && last['thought'] === part.thought)
        parts[parts.length - 1] = { ...last, ...part, text: `${String(last['text'])}${part.text}` };
      else if (part.text !== '') parts.push(part);
    }
  }
  return parts;
};

describe("Google's generateContent", () => {
  it.each([
    ['echo', {}],
    ['reason', thoughts],
    ['tools', { tools }],
    ['parallel', { tools }],
    ['reason-tools', { tools, ...thoughts }],
  ])('says the same with and without a stream: %s', async (model, more) => {
    const whole = await post(model, more);
    const streamed = await stream(model, more);
    const { candidates, usageMetadata } = json(whole);
    expect(joined(streamed)).toEqual(candidates[0].content.parts);
    const last = sentEvents(streamed).at(-1)?.data;
    expect(last).toMatchObject({ usageMetadata, candidates: [{ finishReason: 'STOP' }] });
    for (const asked of [whole, streamed])
      expect(sandbox.truthOf(asked)).toMatchObject({
        dialect: 'gemini',
        model,
        outcome: 'completed',
        promptTokens: usageMetadata.promptTokenCount,
        completionTokens: usageMetadata.candidatesTokenCount + (usageMetadata.thoughtsTokenCount ?? 0),
        reasoningTokens: usageMetadata.thoughtsTokenCount ?? 0,
      });
  });

  it('shows thoughts only where they were asked for, and counts them in any case', async () => {
    const { candidates, usageMetadata } = json(await post('reason'));
    expect(candidates[0].content.parts).toEqual([{ text: expect.any(String), thoughtSignature: expect.any(String) }]);
    expect(usageMetadata).toMatchObject({ thoughtsTokenCount: 24, candidatesTokenCount: 32 });
    const streamed = sentEvents(await stream('reason')).map(({ data }) => data);
    expect(streamed.some(({ candidates: [first] }) => first.content.parts[0].thought)).toBe(false);
  });

  it('takes back what it thought with its signature, and not with another or none', async () => {
    const { candidates } = json(await post('reason-tools', { tools }));
    const [part] = candidates[0].content.parts;
    const response = { functionResponse: { name: 'weather', response: { result: '21 degrees' } } };
    const back = (model: unknown, results = [response]) =>
      post('reason-tools', {
        tools,
        contents: [...contents, { role: 'model', parts: [model] }, { role: 'user', parts: results }],
      });
    const second = await back(part);
    expect([second.status, json(second).candidates[0].finishReason]).toEqual([200, 'STOP']);
    const { thoughtSignature, ...unsigned } = part;
    for (const altered of [{ ...part, thoughtSignature: `x${thoughtSignature}` }, unsigned]) {
      const refused = await back(altered);
      expect([refused.status, json(refused).error.status]).toEqual([400, 'INVALID_ARGUMENT']);
      expect(json(refused).error.message).toMatch(/thought.signature/i);
    }
    expect((await back({ ...part, thoughtSignature: 'skip_thought_signature_validator' })).status).toBe(200);
    expect(json(await back(part, [response, response])).error.message).toMatch(/number of function response parts/);
  });

  it.each([
    ['fail-400', 400, 'INVALID_ARGUMENT'],
    ['fail-401', 401, 'UNAUTHENTICATED'],
    ['fail-429', 429, 'RESOURCE_EXHAUSTED'],
    ['fail-500', 500, 'INTERNAL'],
    ['unheard-of', 404, 'NOT_FOUND'],
  ])('%s fails with %i', async (model, code, status) => {
    const asked = await post(model);
    expect(asked.status).toBe(code);
    expect(json(asked).error).toMatchObject({ code, status, message: expect.any(String) });
    if (code === 429) expect(json(asked).error.details).toMatchObject([{ retryDelay: '1s' }]);
  });

  it('refuses names that it does not know, in both spellings knows the others', async () => {
    expect(json(await post('echo', { max_tokens: 5 })).error.message).toContain('Unknown name "max_tokens"');
    const capped = await post('echo', { generation_config: { maxOutputTokens: 2 } });
    expect(json(capped).candidates[0]).toMatchObject({ finishReason: 'MAX_TOKENS' });
  });

  it('says why a prompt was blocked', async () => {
    expect(json(await post('filtered'))).toMatchObject({ promptFeedback: { blockReason: 'SAFETY' } });
    const [event, ...more] = sentEvents(await stream('filtered'));
    expect(more).toEqual([]);
    expect(event?.data).toMatchObject({ promptFeedback: { blockReason: 'SAFETY' } });
    expect(event?.data).not.toHaveProperty('candidates');
  });

  it('breaks after 30 tokens, or ends in an error, and bills what came', async () => {
    const died = await stream('die-after-30');
    expect(died.broken).toBe(true);
    expect(sandbox.truthOf(died)).toMatchObject({ outcome: 'failed', completionTokens: 30 });
    const failed = await stream('error-after-5');
    expect(sentEvents(failed).at(-1)?.data.error).toMatchObject({ code: 500, status: 'INTERNAL' });
    expect(sandbox.truthOf(failed)).toMatchObject({ outcome: 'failed', completionTokens: 5, promptTokens: 9 });
  });

  it.each([
    ['no-usage', undefined],
    ['usage-placeholder', { promptTokenCount: 0, candidatesTokenCount: 0 }],
    ['usage-negative', { promptTokenCount: -9, candidatesTokenCount: -32 }],
    ['usage-cached-over-prompt', { promptTokenCount: 9, cachedContentTokenCount: 1_009 }],
    ['late-usage', { promptTokenCount: 9, candidatesTokenCount: 32 }],
  ])('%s tells what it is named after', async (model, usage) => {
    const told = sentEvents(await stream(model)).at(-1)?.data.usageMetadata;
    if (usage === undefined) expect(told).toBeUndefined();
    else expect(told).toMatchObject(usage);
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s says the same as a plain stream', async (wire) => {
    const plain = await stream('reason', { ...thoughts, sandbox: { outputTokens: 8 } });
    expect(joined(await stream('reason', { ...thoughts, sandbox: { outputTokens: 8, wire } }))).toEqual(joined(plain));
  });

  it('no-finish ends without a finish reason', async () => {
    const events = sentEvents(await stream('no-finish'));
    expect(events).toHaveLength(32);
    expect(events.some(({ data }) => data.candidates[0].finishReason)).toBe(false);
  });

  it('answers with JSON that fits the schema asked for', async () => {
    const generationConfig = {
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { mood: { type: 'STRING', enum: ['good'] } } },
    };
    expect(json(await post('echo', { generationConfig })).candidates[0].content.parts[0].text).toBe('{"mood":"good"}');
  });
});
