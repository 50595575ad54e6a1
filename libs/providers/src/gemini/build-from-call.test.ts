// What is asked of Gemini, a call each; and what is told to be lost.
import type { GenerationCall } from '@waystation/generation';
import type { Quirks } from '../spec.js';
import { buildFromCall } from './build-from-call.js';

const HELLO: GenerationCall['messages'] = [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }];
const said = (content: Extract<GenerationCall['messages'][number], { role: 'assistant' }>['content']) =>
  ({ role: 'assistant', content }) as const;

const build = (call: Partial<GenerationCall>, quirks: Quirks = {}, upstreamModel = 'gemini-2.5-flash') => {
  const whole: GenerationCall = { messages: HELLO, stream: false, sampling: {}, ...call };
  const { path, body, warnings } = buildFromCall({ call: whole, upstreamModel, quirks });
  return {
    path,
    body: JSON.parse(body.toString()) as Record<string, unknown>,
    warned: warnings.map(({ code, field }) => `${code} ${field ?? ''}`),
  };
};

const configOf = (call: Partial<GenerationCall>, quirks: Quirks = {}) => {
  const { body, warned } = build(call, quirks);
  return [body['generationConfig'], warned];
};
const partsOf = (messages: GenerationCall['messages'], quirks: Quirks = {}) => {
  const { body, warned } = build({ messages }, quirks);
  return { contents: body['contents'], warned };
};

it.each([
  ['gemini-2.5-pro', false, '/models/gemini-2.5-pro:generateContent'],
  ['gemini-2.5-pro', true, '/models/gemini-2.5-pro:streamGenerateContent?alt=sse'],
  ['tunedModels/mine', false, '/tunedModels/mine:generateContent'],
])('asks %s (stream: %s) at %s', (model, stream, path) => {
  expect(build({ stream }, {}, model).path).toBe(path);
});

it('asks for no more than was asked', () => {
  expect(build({}).body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] });
});

it('gives instructions apart, and those in the middle to the user', () => {
  const { body, warned } = build({
    messages: [
      { role: 'system', content: [{ type: 'text', text: 'be brief' }] },
      { role: 'developer', content: [{ type: 'text', text: 'be kind' }] },
      ...HELLO,
      { role: 'system', content: [{ type: 'text', text: 'be late' }] },
    ],
  });
  expect(body).toEqual({
    systemInstruction: { parts: [{ text: 'be brief' }, { text: 'be kind' }] },
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'user', parts: [{ text: 'be late' }] },
    ],
  });
  expect(warned).toEqual(['translated-with-loss messages']);
});

it('refuses a conversation of instructions alone, and a result without its call', () => {
  expect(() => build({ messages: [{ role: 'system', content: [{ type: 'text', text: 'x' }] }] })).toThrow(
    /^messages: .*not an instruction/,
  );
  expect(() =>
    build({ messages: [...HELLO, { role: 'tool', content: [{ type: 'tool-result', callId: 'c9', content: [] }] }] }),
  ).toThrow(/^messages: .*"c9" has no call before it/);
});

it('says all sampling controls that there are words for', () => {
  expect(
    configOf({
      maxOutputTokens: 100,
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        seed: 7,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        stop: ['END'],
        logprobs: true,
        topLogprobs: 3,
      },
    }),
  ).toEqual([
    {
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      seed: 7,
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      stopSequences: ['END'],
      responseLogprobs: true,
      logprobs: 3,
    },
    [],
  ]);
});

it('tells what there is no word for', () => {
  const { warned } = build({
    sampling: { minP: 0.1, topA: 0.1, repetitionPenalty: 1.1, logitBias: { '1': 1 } },
    parallelToolCalls: false,
    tools: [
      { type: 'function', name: 'see', cache: { ttl: '5m' } },
      { type: 'provider', name: 'web_search_20250305', config: {} },
    ],
    responseFormat: { type: 'grammar', grammar: 'g' },
    outputModalities: ['text', 'video'],
    verbosity: 'low',
    serviceTier: 'flex',
    promptCacheKey: 'k',
    extra: { metadata: {} },
  });
  expect([...warned].sort()).toEqual(
    [
      ...['min_p', 'top_a', 'repetition_penalty', 'logit_bias', 'parallel_tool_calls', 'cache_control'],
      ...['response_format', 'modalities', 'verbosity', 'service_tier', 'prompt_cache_key', 'metadata'],
    ]
      .map((field) => `unsupported-parameter ${field}`)
      .concat('translated-with-loss tools')
      .sort(),
  );
});

it('declares tools in the schema that is read there, and says what of it was left out', () => {
  const { body, warned } = build({
    tools: [
      {
        type: 'function',
        name: 'see',
        description: 'looks',
        parameters: {
          type: 'object',
          properties: { at: { type: 'string', format: 'uri' } },
          additionalProperties: false,
        },
      },
      { type: 'function', name: 'now', parameters: { type: 'object', properties: {} } },
      { type: 'provider', name: 'google_search', config: { type: 'google_search' } },
    ],
  });
  expect(body['tools']).toEqual([
    {
      functionDeclarations: [
        { name: 'see', description: 'looks', parameters: { type: 'object', properties: { at: { type: 'string' } } } },
        { name: 'now' },
      ],
    },
    { googleSearch: {} },
  ]);
  expect(warned).toEqual(['translated-with-loss tools']);
});

it('passes JSON Schema as it is where the endpoint reads it', () => {
  const schema = { type: 'object', properties: { at: { type: 'string', format: 'uri' } } };
  const { body, warned } = build(
    {
      tools: [{ type: 'function', name: 'see', parameters: schema }],
      responseFormat: { type: 'json-schema', name: 'r', schema },
    },
    { jsonSchema: true },
  );
  expect(body).toMatchObject({
    tools: [{ functionDeclarations: [{ name: 'see', parametersJsonSchema: schema }] }],
    generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema },
  });
  expect(warned).toEqual([]);
});

it.each([
  [{ type: 'auto' } as const, false, { mode: 'AUTO' }],
  [{ type: 'auto' } as const, true, { mode: 'VALIDATED' }],
  [undefined, true, { mode: 'VALIDATED' }],
  [{ type: 'none' } as const, false, { mode: 'NONE' }],
  [{ type: 'required' } as const, false, { mode: 'ANY' }],
  [{ type: 'tool', name: 'see' } as const, false, { mode: 'ANY', allowedFunctionNames: ['see'] }],
])('says the choice %j (strict: %s) as %j', (toolChoice, strict, functionCallingConfig) => {
  const { body } = build({ tools: [{ type: 'function', name: 'see', strict }], ...(toolChoice && { toolChoice }) });
  expect(body['toolConfig']).toEqual({ functionCallingConfig });
});

it.each<[string, GenerationCall['responseFormat'], object | undefined]>([
  ['text', { type: 'text' }, undefined],
  ['json', { type: 'json' }, { responseMimeType: 'application/json' }],
  [
    'a schema',
    { type: 'json-schema', name: 'r', schema: { type: 'object', properties: { a: { type: ['string', 'null'] } } } },
    {
      responseMimeType: 'application/json',
      responseSchema: { type: 'object', properties: { a: { type: 'string', nullable: true } } },
    },
  ],
])('asks for %s', (_, responseFormat, config) => {
  expect(configOf(responseFormat === undefined ? {} : { responseFormat })).toEqual([config, []]);
});

it('asks for pictures and speech', () => {
  expect(
    configOf({
      outputModalities: ['text', 'image'],
      extra: { image_config: { aspect_ratio: '16:9', image_size: '2K' } },
    }),
  ).toEqual([{ responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '2K' } }, []]);
  expect(configOf({ outputModalities: ['audio'], audioOutput: { voice: 'Kore', format: 'pcm16' } })).toEqual([
    { responseModalities: ['AUDIO'], speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } } },
    [],
  ]);
});

it('sends safety settings of the client, or those of the catalog', () => {
  const own = [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }];
  expect(build({ extra: { safety_settings: own } }, { safetyThreshold: 'BLOCK_NONE' }).body['safetySettings']).toEqual(
    own,
  );
  expect(build({}, { safetyThreshold: 'BLOCK_NONE' }).body['safetySettings']).toContainEqual({
    category: 'HARM_CATEGORY_HATE_SPEECH',
    threshold: 'BLOCK_NONE',
  });
});

it('names the service tier where the endpoint reads it', () => {
  expect(build({ serviceTier: 'flex' }, { sendsTier: true }).body['serviceTier']).toBe('flex');
});

describe('thinking', () => {
  const THOUGHTS = { includeThoughts: true };
  it.each<[string, GenerationCall['reasoning'], Quirks, object | undefined, string[]]>([
    ['a number is a budget', { maxTokens: 2_000 }, {}, { thinkingBudget: 2_000, ...THOUGHTS }, []],
    ['an effort is a share of the output', { effort: 'low' }, {}, { thinkingBudget: 2_000, ...THOUGHTS }, []],
    ['to think at all is left to the model', { enabled: true }, {}, { thinkingBudget: -1, ...THOUGHTS }, []],
    ['not to think', { effort: 'none' }, {}, { thinkingBudget: 0 }, []],
    ['not to show it', { effort: 'low', exclude: true }, {}, { thinkingBudget: 2_000 }, []],
    [
      'a number over the most is lowered, and that is told',
      { maxTokens: 40_000 },
      { thinkingBudgetMax: 32_768 },
      { thinkingBudget: 32_768, ...THOUGHTS },
      ['clamped reasoning.max_tokens'],
    ],
    [
      'a model that cannot stop thinking thinks least',
      { enabled: false },
      { thinkingBudgetMin: 128 },
      { thinkingBudget: 128 },
      ['translated-with-loss reasoning'],
    ],
    [
      'a model whose least is much may still be stopped',
      { enabled: false },
      { thinkingBudgetMin: 512, thinkingOff: true },
      { thinkingBudget: 0 },
      [],
    ],
    ['an effort is a level', { effort: 'medium' }, { thinking: 'level' }, { thinkingLevel: 'medium', ...THOUGHTS }, []],
    [
      'a level that the model lacks is the next above',
      { effort: 'medium' },
      { thinking: 'level', thinkingLevels: 'low,high' },
      { thinkingLevel: 'high', ...THOUGHTS },
      [],
    ],
    ['a number is a level', { maxTokens: 8_000 }, { thinking: 'level' }, { thinkingLevel: 'high', ...THOUGHTS }, []],
    [
      'a level for nothing is the least, and that is told',
      { effort: 'none' },
      { thinking: 'level' },
      { thinkingLevel: 'minimal' },
      ['translated-with-loss reasoning'],
    ],
    ['the usual level', { enabled: true }, { thinking: 'level' }, THOUGHTS, []],
    [
      'a model that cannot think is not asked to',
      { effort: 'high' },
      { thinking: 'none' },
      undefined,
      ['unsupported-parameter reasoning'],
    ],
    ['a model that cannot think need not be stopped', { effort: 'none' }, { thinking: 'none' }, undefined, []],
  ])('%s', (_, reasoning, quirks, thinkingConfig, warnings) => {
    const config = { maxOutputTokens: 10_000, ...(thinkingConfig === undefined ? {} : { thinkingConfig }) };
    expect(configOf({ maxOutputTokens: 10_000, ...(reasoning && { reasoning }) }, quirks)).toEqual([config, warnings]);
  });
});

describe('media', () => {
  it('is given as data or by its address, with its type', () => {
    const { contents, warned } = partsOf([
      {
        role: 'user',
        content: [
          { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'aQ==' } },
          { type: 'image', source: { kind: 'url', url: 'https://example.com/cat.webp?size=1' } },
          { type: 'file', filename: 'a.pdf', source: { kind: 'data', mediaType: 'application/pdf', base64: 'cA==' } },
          {
            type: 'file',
            source: { kind: 'file-id', id: 'https://generativelanguage.googleapis.com/v1beta/files/abc' },
          },
          { type: 'audio', format: 'mp3', source: { kind: 'data', mediaType: 'audio/mp3', base64: 'bQ==' } },
          { type: 'video', source: { kind: 'url', url: 'https://www.youtube.com/watch?v=9hE5-98ZeCg' } },
          { type: 'video', source: { kind: 'url', url: 'gs://bucket/clip' } },
        ],
      },
    ]);
    expect(contents).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/png', data: 'aQ==' } },
          { fileData: { fileUri: 'https://example.com/cat.webp?size=1', mimeType: 'image/webp' } },
          { inlineData: { mimeType: 'application/pdf', data: 'cA==' } },
          { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc' } },
          { inlineData: { mimeType: 'audio/mp3', data: 'bQ==' } },
          { fileData: { fileUri: 'https://www.youtube.com/watch?v=9hE5-98ZeCg' } },
          { fileData: { fileUri: 'gs://bucket/clip', mimeType: 'video/mp4' } },
        ],
      },
    ]);
    expect(warned).toEqual([]);
  });
});

it('tells that there is no word for how closely to look, and none to mark what is to be cached', () => {
  const { warned } = partsOf([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'hi', cache: { ttl: '5m' } },
        { type: 'image', detail: 'low', source: { kind: 'url', url: 'https://example.com/a.png' } },
        { type: 'image', detail: 'auto', source: { kind: 'url', url: 'https://example.com/b.png' } },
      ],
    },
  ]);
  expect(warned).toEqual(['unsupported-parameter cache_control', 'unsupported-parameter detail']);
});

describe('earlier turns', () => {
  const CALLS = said([
    { type: 'tool-call', id: 'c1', name: 'see', argumentsJson: '{"at":"left"}', signature: 'Sig_A' },
    { type: 'tool-call', id: 'c2', name: 'now', argumentsJson: '' },
  ]);
  const answer = (callId: string, text: string, isError = false) => ({
    type: 'tool-result' as const,
    callId,
    content: [{ type: 'text' as const, text }],
    ...(isError ? { isError } : {}),
  });

  it('answers of tools stand together and by name, however many messages they came in', () => {
    const { contents, warned } = partsOf([
      ...HELLO,
      CALLS,
      { role: 'tool', content: [answer('c1', 'a cat')] },
      { role: 'tool', content: [answer('c2', 'no clock', true)] },
    ]);
    expect(contents).toEqual([
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { name: 'see', args: { at: 'left' } }, thoughtSignature: 'Sig_A' },
          { functionCall: { name: 'now', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'see', response: { output: 'a cat' } } },
          { functionResponse: { name: 'now', response: { error: 'no clock' } } },
        ],
      },
    ]);
    expect(warned).toEqual([]);
  });

  it('carry the ids of calls where the endpoint knows them', () => {
    const { contents } = partsOf([...HELLO, CALLS, { role: 'tool', content: [answer('c1', 'x')] }], {
      sendsCallIds: true,
    });
    expect(contents).toMatchObject([
      {},
      { parts: [{ functionCall: { id: 'c1' } }, { functionCall: { id: 'c2' } }] },
      { parts: [{ functionResponse: { id: 'c1' } }] },
    ]);
  });

  it('show what a tool showed: within its answer where the endpoint reads it there, behind the answers otherwise', () => {
    const image = { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'aQ==' } } as const;
    const messages: GenerationCall['messages'] = [
      ...HELLO,
      CALLS,
      { role: 'tool', content: [{ type: 'tool-result', callId: 'c1', content: [image] }, answer('c2', 'noon')] },
    ];
    const shown = { inlineData: { mimeType: 'image/png', data: 'aQ==' } };
    const noon = { functionResponse: { name: 'now', response: { output: 'noon' } } };
    const behind = partsOf(messages);
    expect(behind.warned).toEqual(['translated-with-loss messages']);
    expect(behind.contents).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { name: 'see', response: { output: '' } } }, noon, shown] },
    ]);
    const within = partsOf(messages, { mediaInResults: true });
    expect(within.warned).toEqual([]);
    expect(within.contents).toMatchObject([{}, {}, { parts: [{ functionResponse: { parts: [shown] } }, noon] }]);
  });

  it('give thoughts back with their signatures, each on its part', () => {
    const { contents, warned } = partsOf([
      ...HELLO,
      said([
        { type: 'reasoning', text: 'hm', format: 'google-gemini-v1', signature: 'T==' },
        { type: 'reasoning', text: '', format: 'google-gemini-v1', encrypted: 'X==' },
        { type: 'text', text: 'Three.' },
      ]),
      said([{ type: 'reasoning', text: '', format: 'google-gemini-v1', encrypted: 'Z==' }]),
    ]);
    expect(contents).toEqual([
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: 'T==' },
          { text: 'Three.', thoughtSignature: 'X==' },
        ],
      },
      { role: 'model', parts: [{ text: '', thoughtSignature: 'Z==' }] },
    ]);
    expect(warned).toEqual([]);
  });

  it('leave out what another model thought, and say so', () => {
    const { contents, warned } = partsOf([
      ...HELLO,
      said([
        { type: 'reasoning', text: 'hm', format: 'anthropic-claude-v1', signature: 's' },
        { type: 'text', text: 'Three.' },
      ]),
    ]);
    expect(contents).toMatchObject([{}, { role: 'model', parts: [{ text: 'Three.' }] }]);
    expect(warned).toEqual(['translated-with-loss reasoning']);
  });

  it('sign a call that another model made, for models that check signatures', () => {
    const call = said([{ type: 'tool-call', id: 'c1', name: 'see', argumentsJson: '{}' }]);
    const { contents, warned } = partsOf([...HELLO, call], { thinking: 'level' });
    expect(contents).toMatchObject([{}, { parts: [{ thoughtSignature: 'skip_thought_signature_validator' }] }]);
    expect(warned).toEqual(['translated-with-loss messages']);
    expect(partsOf([...HELLO, call]).contents).toEqual([
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'see', args: {} } }] },
    ]);
  });
});
