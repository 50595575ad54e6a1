import type { GenerationCall } from '@waystation/generation';
import type { Quirks } from '../spec.js';
import { buildCohereChat } from './build-from-call.js';

const call = (more: Partial<GenerationCall> = {}): GenerationCall => ({
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
  stream: false,
  sampling: {},
  ...more,
});

interface Built {
  readonly body: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

const build = (given: GenerationCall, quirks: Quirks = {}): Built => {
  const { path, body, warnings } = buildCohereChat({ call: given, upstreamModel: 'command-a-03-2025', quirks });
  expect(path).toBe('/chat');
  return {
    body: JSON.parse(body.toString()) as Built['body'],
    warnings: warnings.map(({ code, field }) => `${code} ${field ?? ''}`),
  };
};

const THINKS = { thinks: true };

describe('a request of Cohere’s chat', () => {
  it('holds nothing that was not asked for', () => {
    expect(build(call()).body).toEqual({
      model: 'command-a-03-2025',
      messages: [{ role: 'user', content: 'hi' }],
      stream: false,
    });
  });

  it.each([
    ['as thoughts', THINKS],
    ['as a plan', {}],
  ] as const)('holds all of a 20-turn conversation of an agent, what it thought %s', (_, quirks) => {
    const turns = Array.from({ length: 20 }, (__, turn) => turn);
    const { body, warnings } = build(
      call({
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'be an agent' }] },
          ...turns.flatMap((turn): GenerationCall['messages'] => [
            {
              role: 'user',
              content: [
                { type: 'text', text: `question ${turn}` },
                {
                  type: 'image',
                  source: { kind: 'data', mediaType: 'image/png', base64: 'iVBORw0KGgo=' },
                  detail: 'low',
                },
              ],
            },
            {
              role: 'assistant',
              content: [
                { type: 'reasoning', text: `thought ${turn}`, format: 'unknown' },
                { type: 'tool-call', id: `call_${turn}_a`, name: 'see', argumentsJson: '{"at":"left"}' },
                { type: 'tool-call', id: `call_${turn}_b`, name: 'see', argumentsJson: '' },
              ],
            },
            {
              role: 'tool',
              content: [
                { type: 'tool-result', callId: `call_${turn}_a`, content: [{ type: 'text', text: 'a cat' }] },
                { type: 'tool-result', callId: `call_${turn}_b`, content: [] },
              ],
            },
            { role: 'assistant', content: [{ type: 'text', text: `answer ${turn}` }] },
          ]),
        ],
        tools: [{ type: 'function', name: 'see', description: 'looks', parameters: { type: 'object' }, strict: true }],
        toolChoice: { type: 'required' },
        sampling: {
          temperature: 0.5,
          topP: 0.9,
          topK: 40,
          seed: 7,
          frequencyPenalty: 0.1,
          presencePenalty: 0.2,
          stop: ['END'],
        },
        maxOutputTokens: 4_096,
      }),
      quirks,
    );
    expect(warnings).toEqual([]);
    expect(body).toEqual({
      model: 'command-a-03-2025',
      stream: false,
      messages: [
        { role: 'system', content: 'be an agent' },
        ...turns.flatMap((turn) => [
          {
            role: 'user',
            content: [
              { type: 'text', text: `question ${turn}` },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
            ],
          },
          {
            role: 'assistant',
            ...('thinks' in quirks
              ? { content: [{ type: 'thinking', thinking: `thought ${turn}` }] }
              : { tool_plan: `thought ${turn}` }),
            tool_calls: [
              { id: `call_${turn}_a`, type: 'function', function: { name: 'see', arguments: '{"at":"left"}' } },
              { id: `call_${turn}_b`, type: 'function', function: { name: 'see', arguments: '{}' } },
            ],
          },
          { role: 'tool', tool_call_id: `call_${turn}_a`, content: 'a cat' },
          { role: 'tool', tool_call_id: `call_${turn}_b`, content: '' },
          { role: 'assistant', content: `answer ${turn}` },
        ]),
      ],
      max_tokens: 4_096,
      tools: [{ type: 'function', function: { name: 'see', description: 'looks', parameters: { type: 'object' } } }],
      strict_tools: true,
      tool_choice: 'REQUIRED',
      temperature: 0.5,
      p: 0.9,
      k: 40,
      seed: 7,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      stop_sequences: ['END'],
    });
  });

  it.each(['audio', 'video', 'file'] as const)('refuses %s by name', (type) => {
    const part = { type, source: { kind: 'url', url: 'https://x.example/y' } } as const;
    expect(() => build(call({ messages: [{ role: 'user', content: [part] }] }))).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        message: `messages: the endpoint that was chosen takes no ${type}; send text and images`,
        details: { field: 'messages' },
      }),
    );
  });

  it('refuses more sequences to stop at than it can take', () => {
    expect(() => build(call({ sampling: { stop: ['a', 'b', 'c', 'd', 'e', 'f'] } }))).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { field: 'stop' } }),
    );
  });

  it.each([
    ['no thinking', THINKS, { effort: 'none' }, { type: 'disabled' }, []],
    ['thinking', THINKS, { enabled: true }, { type: 'enabled' }, []],
    ['a number', THINKS, { maxTokens: 1_234 }, { type: 'enabled', token_budget: 1_234 }, []],
    ['an effort', THINKS, { effort: 'low' }, { type: 'enabled', token_budget: 2_000 }, []],
    ['an effort of a model that cannot', {}, { effort: 'low' }, undefined, ['unsupported-parameter reasoning']],
    ['none of a model that cannot', {}, { effort: 'none' }, undefined, []],
  ] as const)('asks for %s', (_, quirks, reasoning, thinking, warned) => {
    const { body, warnings } = build(call({ reasoning, maxOutputTokens: 10_000 }), quirks);
    expect([body['thinking'], warnings]).toEqual([thinking, warned]);
  });

  const tools = [
    { type: 'function', name: 'a' },
    { type: 'function', name: 'b' },
  ] as const;
  it.each([
    [{ type: 'auto' }, undefined, ['a', 'b']],
    [{ type: 'none' }, 'NONE', ['a', 'b']],
    [{ type: 'required' }, 'REQUIRED', ['a', 'b']],
    [{ type: 'tool', name: 'b' }, 'REQUIRED', ['b']],
  ] as const)('says the choice %j of tools', (toolChoice, word, names) => {
    const { body } = build(call({ tools, toolChoice }));
    expect(body['tool_choice']).toBe(word);
    expect((body['tools'] as { function: { name: string } }[]).map((tool) => tool.function.name)).toEqual(names);
  });

  it('says schemas and its own fields, and tells what it has no word for', () => {
    expect(
      build(
        call({
          responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } },
          extra: { documents: ['d'], safety_mode: 'OFF', odd: 1 },
          verbosity: 'low',
          promptCacheKey: 'k',
          serviceTier: 'flex',
          outputModalities: ['audio'],
          parallelToolCalls: false,
          sampling: { minP: 0.1, logprobs: true, topP: 1, topK: 900, frequencyPenalty: -1, presencePenalty: 2 },
        }),
      ),
    ).toMatchObject({
      body: {
        response_format: { type: 'json_object', json_schema: { type: 'object' } },
        documents: ['d'],
        safety_mode: 'OFF',
        p: 0.99,
        k: 500,
        presence_penalty: 1,
      },
      warnings: [
        'unsupported-parameter modalities',
        'unsupported-parameter verbosity',
        'unsupported-parameter service_tier',
        'unsupported-parameter prompt_cache_key',
        'unsupported-parameter parallel_tool_calls',
        'unsupported-parameter min_p',
        'unsupported-parameter logprobs',
        'clamped top_p',
        'clamped top_k',
        'unsupported-parameter frequency_penalty',
        'clamped presence_penalty',
        'unsupported-parameter odd',
      ],
    });
    expect(build(call({ sampling: { topP: 0 } }))).toMatchObject({
      body: { p: 0.01 },
      warnings: ['translated-with-loss top_p'],
    });
  });

  it('leaves out reasoning of others, marks of caches, and turns that said nothing; images of tools follow as the user’s', () => {
    const image = { type: 'image', source: { kind: 'url', url: 'https://x.example/cat.png' } } as const;
    const { body, warnings } = build(
      call({
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'hi', cache: { ttl: '5m' } }] },
          {
            role: 'assistant',
            content: [{ type: 'reasoning', text: 'mine', format: 'anthropic-claude-v1', signature: 's' }],
          },
          { role: 'tool', content: [{ type: 'tool-result', callId: 'c', content: [image], isError: true }] },
        ],
      }),
    );
    expect(body['messages']).toEqual([
      { role: 'user', content: 'hi' },
      { role: 'tool', tool_call_id: 'c', content: '' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x.example/cat.png' } }] },
    ]);
    expect(warnings).toEqual([
      'translated-with-loss cache_control',
      'translated-with-loss reasoning',
      'translated-with-loss messages',
      'translated-with-loss messages',
    ]);
  });
});
