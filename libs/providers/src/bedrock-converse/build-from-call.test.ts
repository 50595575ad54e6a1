import type { GenerationCall } from '@waystation/generation';
import type { Quirks } from '../spec.js';
import { buildConverse } from './build-from-call.js';

const user = (text: string): GenerationCall['messages'][number] => ({
  role: 'user',
  content: [{ type: 'text', text }],
});

const call = (more: Partial<GenerationCall> = {}): GenerationCall => ({
  messages: [user('hi')],
  stream: false,
  sampling: {},
  ...more,
});

interface Built {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

const build = (
  given: GenerationCall,
  quirks: Quirks = {},
  more: { outputTokensMax?: number; endUser?: string } = {},
): Built => {
  const { path, body, warnings } = buildConverse({ call: given, upstreamModel: 'm', quirks, ...more });
  return {
    path,
    body: JSON.parse(body.toString()) as Built['body'],
    warnings: warnings.map(({ code, field }) => `${code} ${field ?? ''}`),
  };
};

const CLAUDE = { family: 'claude' };
const PNG = { kind: 'data', mediaType: 'image/png', base64: 'iVBORw0KGgo=' } as const;

describe('a Converse request', () => {
  it('names model and way in its path, the id encoded as one segment', () => {
    const path = (stream: boolean): string =>
      buildConverse({
        call: call({ stream }),
        upstreamModel: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
        quirks: {},
      }).path;
    expect(path(false)).toBe('/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse');
    expect(path(true)).toBe('/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream');
  });

  it('holds nothing that was not asked for', () => {
    expect(build(call()).body).toEqual({ messages: [{ role: 'user', content: [{ text: 'hi' }] }] });
  });

  it('holds all of a 20-turn conversation of an agent', () => {
    const turns = Array.from({ length: 20 }, (_, turn) => turn);
    const messages = turns.flatMap((turn): GenerationCall['messages'] => [
      {
        role: 'user',
        content: [
          { type: 'text', text: `question ${turn}` },
          { type: 'image', source: PNG },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: `thought ${turn}`, format: 'anthropic-claude-v1', signature: `sig-${turn}` },
          { type: 'reasoning', text: '', format: 'anthropic-claude-v1', encrypted: `c2VjcmV0${turn}` },
          { type: 'text', text: `answer ${turn}` },
          { type: 'tool-call', id: `call_${turn}_a`, name: 'see', argumentsJson: '{"at":"left"}' },
          { type: 'tool-call', id: `call_${turn}_b`, name: 'see', argumentsJson: '{"at":"right"}' },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', callId: `call_${turn}_a`, content: [{ type: 'text', text: 'a cat' }] },
          { type: 'tool-result', callId: `call_${turn}_b`, content: [{ type: 'image', source: PNG }], isError: true },
        ],
      },
    ]);
    const { body, warnings } = build(
      call({
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'be an agent', cache: { ttl: '1h' } }] },
          ...messages,
        ],
        tools: [
          {
            type: 'function',
            name: 'see',
            description: 'looks',
            parameters: { properties: { at: {} } },
            cache: { ttl: '5m' },
          },
        ],
        toolChoice: { type: 'required' },
        sampling: { temperature: 0.5, topP: 0.9, topK: 40, stop: ['END'] },
        maxOutputTokens: 4_096,
      }),
      CLAUDE,
    );
    const image = { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } };
    const results = (turn: number): object[] => [
      { toolResult: { toolUseId: `call_${turn}_a`, content: [{ text: 'a cat' }] } },
      { toolResult: { toolUseId: `call_${turn}_b`, content: [image], status: 'error' } },
    ];
    expect(warnings).toEqual([]);
    expect(body).toEqual({
      system: [{ text: 'be an agent' }, { cachePoint: { type: 'default', ttl: '1h' } }],
      messages: [
        ...turns.flatMap((turn) => [
          {
            role: 'user',
            content: [...(turn === 0 ? [] : results(turn - 1)), { text: `question ${turn}` }, image],
          },
          {
            role: 'assistant',
            content: [
              { reasoningContent: { reasoningText: { text: `thought ${turn}`, signature: `sig-${turn}` } } },
              { reasoningContent: { redactedContent: `c2VjcmV0${turn}` } },
              { text: `answer ${turn}` },
              { toolUse: { toolUseId: `call_${turn}_a`, name: 'see', input: { at: 'left' } } },
              { toolUse: { toolUseId: `call_${turn}_b`, name: 'see', input: { at: 'right' } } },
            ],
          },
        ]),
        { role: 'user', content: results(19) },
      ],
      inferenceConfig: { maxTokens: 4_096, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      toolConfig: {
        tools: [
          {
            toolSpec: {
              name: 'see',
              description: 'looks',
              inputSchema: { json: { type: 'object', properties: { at: {} } } },
            },
          },
          { cachePoint: { type: 'default' } },
        ],
        toolChoice: { any: {} },
      },
      additionalModelRequestFields: { top_k: 40 },
    });
  });

  it('takes documents, videos and sounds with their formats, and objects in S3', () => {
    const { body } = build(
      call({
        messages: [
          {
            role: 'user',
            content: [
              {
                type: 'file',
                source: { kind: 'data', mediaType: 'application/pdf', base64: 'JVBERg==' },
                filename: 'Q3: report_final.pdf',
              },
              { type: 'file', source: { kind: 'data', mediaType: 'text/x-log', base64: 'bG9n' } },
              { type: 'video', source: { kind: 'url', url: 's3://bucket/film.mp4' } },
              {
                type: 'audio',
                source: { kind: 'data', mediaType: 'application/octet-stream', base64: 'UklGRg==' },
                format: 'wav',
              },
            ],
          },
        ],
      }),
    );
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { document: { format: 'pdf', name: 'Q3- report-final', source: { bytes: 'JVBERg==' } } },
          { document: { format: 'txt', name: 'document', source: { bytes: 'bG9n' } } },
          { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/film.mp4' } } } },
          { audio: { format: 'wav', source: { bytes: 'UklGRg==' } } },
        ],
      },
    ]);
  });

  it.each([
    [
      'an image by its URL',
      { type: 'image', source: { kind: 'url', url: 'https://x.example/cat.png' } },
      /fetches no image by its URL/,
    ],
    [
      'an image of an unknown kind',
      { type: 'image', source: { kind: 'data', mediaType: 'image/tiff', base64: '' } },
      /no image of the type "image\/tiff"; it takes png, jpeg, gif, webp/,
    ],
    [
      'an uploaded file',
      { type: 'file', source: { kind: 'file-id', id: 'file-1' }, filename: 'a.pdf' },
      /knows no uploaded files/,
    ],
  ] as const)('refuses %s by name', (_, part, message) => {
    expect(() => build(call({ messages: [{ role: 'user', content: [part] }] }))).toThrow(message);
    expect(() => build(call({ messages: [{ role: 'user', content: [part] }] }))).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { field: 'messages' } }),
    );
  });

  it.each([
    ['Claude, a budget', CLAUDE, { effort: 'medium' }, { thinking: { type: 'enabled', budget_tokens: 5_000 } }, []],
    ['Claude, a number', CLAUDE, { maxTokens: 2_000 }, { thinking: { type: 'enabled', budget_tokens: 2_000 } }, []],
    [
      'Claude, a number above the room',
      CLAUDE,
      { maxTokens: 50_000 },
      { thinking: { type: 'enabled', budget_tokens: 8_976 } },
      ['clamped reasoning.max_tokens'],
    ],
    [
      'Claude, a number below the least',
      CLAUDE,
      { maxTokens: 10 },
      { thinking: { type: 'enabled', budget_tokens: 1_024 } },
      ['translated-with-loss reasoning.max_tokens'],
    ],
    ['Claude, nothing', CLAUDE, { effort: 'none' }, undefined, []],
    [
      'Claude that chooses',
      { ...CLAUDE, thinking: 'adaptive' },
      { effort: 'minimal' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
      [],
    ],
    [
      'Claude that chooses, nothing',
      { ...CLAUDE, thinking: 'adaptive' },
      { enabled: false },
      { thinking: { type: 'disabled' } },
      [],
    ],
    [
      'Nova',
      { family: 'nova' },
      { effort: 'low' },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } },
      [],
    ],
    [
      'Nova, high',
      { family: 'nova' },
      { effort: 'max' },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } },
      ['translated-with-loss reasoning'],
    ],
    ['Nova, nothing', { family: 'nova' }, { effort: 'none' }, { reasoningConfig: { type: 'disabled' } }, []],
    ['gpt-oss', { family: 'gpt-oss' }, { effort: 'high' }, { reasoning_effort: 'high' }, []],
    ['another', {}, { effort: 'high' }, undefined, ['unsupported-parameter reasoning']],
  ] as const)('asks %s to reason', (_, quirks, reasoning, fields, warned) => {
    const { body, warnings } = build(call({ reasoning, maxOutputTokens: 10_000 }), quirks);
    expect(body['additionalModelRequestFields']).toEqual(fields);
    expect(body['inferenceConfig']).toEqual({ maxTokens: 10_000 });
    expect(warnings).toEqual(warned);
  });

  it('does not ask Claude to think where there is no room', () => {
    const { body, warnings } = build(call({ reasoning: { effort: 'high' }, maxOutputTokens: 1_500 }), CLAUDE);
    expect([body['additionalModelRequestFields'], warnings]).toEqual([undefined, ['translated-with-loss reasoning']]);
  });

  it('sets a limit of output for thinking where the client set none', () => {
    const { body } = build(call({ reasoning: { effort: 'low' } }), CLAUDE, { outputTokensMax: 20_000 });
    expect(body['inferenceConfig']).toEqual({ maxTokens: 20_000 });
  });

  it('leaves out what thinking forbids, lowers what is above the range, and tells what it has no word for', () => {
    expect(build(call({ sampling: { temperature: 1.7, seed: 1, logitBias: {} } }))).toMatchObject({
      body: { inferenceConfig: { temperature: 1 } },
      warnings: ['unsupported-parameter seed', 'unsupported-parameter logit_bias', 'clamped temperature'],
    });
    expect(
      build(
        call({ sampling: { temperature: 0.2, topK: 5 }, reasoning: { enabled: true }, maxOutputTokens: 10_000 }),
        CLAUDE,
      ).warnings,
    ).toEqual(['unsupported-parameter top_k', 'unsupported-parameter temperature']);
    expect(build(call({ sampling: { topK: 5 } }), { family: 'nova' }).body['additionalModelRequestFields']).toEqual({
      inferenceConfig: { topK: 5 },
    });
    expect(
      build(
        call({
          verbosity: 'low',
          promptCacheKey: 'k',
          outputModalities: ['text', 'audio'],
          extra: { odd: 1 },
          serviceTier: 'scale',
          responseFormat: { type: 'json' },
        }),
      ).warnings,
    ).toEqual([
      'unsupported-parameter modalities',
      'unsupported-parameter verbosity',
      'unsupported-parameter prompt_cache_key',
      'unsupported-parameter odd',
      'unsupported-parameter response_format',
      'unsupported-parameter service_tier',
    ]);
  });

  it('says schema, tier, end user and what the operator wants', () => {
    const { body, warnings } = build(
      call({
        responseFormat: { type: 'json-schema', name: 'weather', schema: { type: 'object' }, description: 'of today' },
        serviceTier: 'flex',
      }),
      { latency: 'optimized', guardrailIdentifier: 'gr-1', guardrailVersion: 2 },
      { endUser: 'user-1' },
    );
    expect(warnings).toEqual([]);
    expect(body).toMatchObject({
      outputConfig: {
        textFormat: {
          type: 'json_schema',
          structure: { jsonSchema: { name: 'weather', description: 'of today', schema: '{"type":"object"}' } },
        },
      },
      serviceTier: { type: 'flex' },
      performanceConfig: { latency: 'optimized' },
      guardrailConfig: { guardrailIdentifier: 'gr-1', guardrailVersion: '2' },
      requestMetadata: { user: 'user-1' },
    });
  });

  const tool = { type: 'function', name: 'see' } as const;
  const spec = { toolSpec: { name: 'see', inputSchema: { json: { type: 'object' } } } };
  const called: GenerationCall['messages'] = [
    user('look'),
    { role: 'assistant', content: [{ type: 'tool-call', id: 'a', name: 'see', argumentsJson: '' }] },
    { role: 'tool', content: [{ type: 'tool-result', callId: 'a', content: [] }] },
  ];
  it.each([
    [
      'auto',
      { tools: [tool], toolChoice: { type: 'auto' } },
      {},
      { tools: [spec], toolChoice: { auto: {} } },
      undefined,
      [],
    ],
    [
      'one by name',
      { tools: [tool], toolChoice: { type: 'tool', name: 'see' } },
      {},
      { tools: [spec], toolChoice: { tool: { name: 'see' } } },
      undefined,
      [],
    ],
    ['none, with none called before', { tools: [tool], toolChoice: { type: 'none' } }, {}, undefined, undefined, []],
    [
      'none, with one called before',
      { tools: [tool], toolChoice: { type: 'none' }, messages: called },
      {},
      { tools: [spec] },
      undefined,
      ['translated-with-loss tool_choice'],
    ],
    [
      'not given, with one called before',
      { messages: called },
      {},
      { tools: [spec] },
      undefined,
      ['translated-with-loss tools'],
    ],
    [
      'one at a time',
      { tools: [tool], parallelToolCalls: false },
      {},
      { tools: [spec] },
      undefined,
      ['unsupported-parameter parallel_tool_calls'],
    ],
    [
      'one at a time, Claude',
      { tools: [tool], parallelToolCalls: false, toolChoice: { type: 'required' } },
      CLAUDE,
      { tools: [spec] },
      { tool_choice: { type: 'any', disable_parallel_tool_use: true } },
      [],
    ],
    [
      'of another provider',
      { tools: [{ type: 'provider', name: 'search', config: {} }] },
      {},
      undefined,
      undefined,
      ['translated-with-loss tools'],
    ],
  ] as const)('says tools: %s', (_, more, quirks, toolConfig, fields, warned) => {
    const { body, warnings } = build(call(more), quirks);
    expect(body['toolConfig']).toEqual(toolConfig);
    expect(body['additionalModelRequestFields']).toEqual(fields);
    expect(warnings).toEqual(warned);
  });

  it('gives calls and results the same id, in the characters and the length that are allowed', () => {
    const id = `call.${'x'.repeat(100)}`;
    const { body } = build(
      call({
        messages: [
          user('look'),
          { role: 'assistant', content: [{ type: 'tool-call', id, name: 'see', argumentsJson: 'no json' }] },
          { role: 'tool', content: [{ type: 'tool-result', callId: id, content: [] }] },
        ],
        tools: [tool],
      }),
    );
    const [, assistant, results] = body['messages'] as readonly {
      content: readonly Record<string, Record<string, unknown>>[];
    }[];
    const ofCall = assistant?.content[0]?.['toolUse'];
    expect(ofCall?.['toolUseId']).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(results?.content[0]?.['toolResult']).toEqual({
      toolUseId: ofCall?.['toolUseId'],
      content: [{ text: '(no output)' }],
    });
    expect(ofCall?.['input']).toEqual({ arguments: 'no json' });
  });

  it('leaves out reasoning of others, marks that the model cannot keep, and blank texts, and tells so', () => {
    const { body, warnings } = build(
      call({
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'hi', cache: { ttl: '5m' } }] },
          {
            role: 'assistant',
            content: [
              { type: 'reasoning', text: 'mine', format: 'google-gemini-v1', signature: 's' },
              { type: 'text', text: ' \n' },
              { type: 'refusal', text: 'no' },
            ],
          },
          { role: 'system', content: [{ type: 'text', text: 'be kind' }] },
        ],
      }),
    );
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ text: 'hi' }] },
      { role: 'assistant', content: [{ text: 'no' }] },
      { role: 'user', content: [{ text: 'be kind' }] },
    ]);
    expect(warnings).toEqual([
      'translated-with-loss cache_control',
      'translated-with-loss reasoning',
      'translated-with-loss messages',
      'translated-with-loss messages',
    ]);
  });
});
