import type { GenerationCall } from '@waystation/generation';
import type { ResponseCreateParams } from 'openai/resources/responses/responses';
import { buildFromCall } from './build-from-call.js';

const build = (call: Partial<GenerationCall>, quirks: Record<string, string | boolean> = {}) => {
  const request = buildFromCall({
    call: {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      stream: false,
      sampling: {},
      ...call,
    },
    upstreamModel: 'gpt-5',
    quirks,
  });
  return { json: JSON.parse(request.body.toString()) as Record<string, unknown>, warnings: request.warnings };
};
const plain: ResponseCreateParams = {
  model: 'gpt-5',
  store: false,
  input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }],
};

describe('a call as a Responses request', () => {
  it('is never stored', () => {
    expect(build({}).json).toEqual(plain);
  });

  it('says everything that the dialect has words for', () => {
    const { json, warnings } = build({
      stream: true,
      sampling: { temperature: 0.5, topP: 0.9, logprobs: true, topLogprobs: 3 },
      maxOutputTokens: 100,
      tools: [{ type: 'function', name: 'f', description: 'does', parameters: { type: 'object' } }],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      responseFormat: { type: 'json-schema', name: 'r', schema: { type: 'object' }, strict: true },
      verbosity: 'low',
      serviceTier: 'flex',
      promptCacheKey: 'k',
    });
    expect(warnings).toEqual([]);
    expect(json).toEqual({
      ...plain,
      stream: true,
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 3,
      include: ['message.output_text.logprobs'],
      max_output_tokens: 100,
      tools: [{ type: 'function', name: 'f', description: 'does', parameters: { type: 'object' }, strict: false }],
      tool_choice: { type: 'function', name: 'f' },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'r', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      service_tier: 'flex',
      prompt_cache_key: 'k',
    } satisfies ResponseCreateParams);
  });

  it('warns of everything that it has no words for', () => {
    const { warnings } = build({
      sampling: { topK: 1, seed: 2, stop: ['x'], logitBias: { 1: 2 }, frequencyPenalty: 1 },
      responseFormat: { type: 'grammar', grammar: 'g' },
      outputModalities: ['image'],
      extra: { prediction: {} },
      tools: [{ type: 'provider', name: 'web_search_20250305', config: {} }],
    });
    expect(warnings.map(({ field }) => field).sort()).toEqual([
      'frequency_penalty',
      'logit_bias',
      'modalities',
      'prediction',
      'response_format',
      'seed',
      'stop',
      'tools',
      'top_k',
    ]);
  });

  it.each<[string, GenerationCall['reasoning'], Record<string, boolean>, unknown, boolean]>([
    ['by effort', { effort: 'high' }, {}, { effort: 'high', summary: 'auto' }, true],
    ['by a number of tokens', { maxTokens: 8_000 }, {}, { effort: 'medium', summary: 'auto' }, true],
    ['and be told in detail', { effort: 'low', summary: 'detailed' }, {}, { effort: 'low', summary: 'detailed' }, true],
    ['unseen', { effort: 'low', exclude: true }, {}, { effort: 'low' }, true],
    ['where no summary can be had', { enabled: true }, { reasoningSummary: false }, { effort: 'medium' }, true],
    ['as much as it knows', { effort: 'max' }, {}, { effort: 'xhigh', summary: 'auto' }, true],
    ['not at all', { enabled: false }, {}, { effort: 'none' }, false],
  ])('asks to reason %s', (_, reasoning, quirks, expected, isSealed) => {
    const { json } = build(reasoning === undefined ? {} : { reasoning }, quirks);
    expect(json['reasoning']).toEqual(expected);
    expect(json['include']).toEqual(isSealed ? ['reasoning.encrypted_content'] : undefined);
  });

  it('gives a thought back in one item, sealed, and no other kind of thought', () => {
    const { json, warnings } = build({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'one', summary: true, id: 'rs_1', format: 'openai-responses-v1' },
            { type: 'reasoning', text: '', id: 'rs_1', format: 'openai-responses-v1', encrypted: 'gAAA' },
            { type: 'reasoning', text: 'two', format: 'anthropic-claude-v1', signature: 's' },
            { type: 'text', text: 'said' },
            { type: 'refusal', text: 'no' },
            { type: 'tool-call', id: 'call_1', name: 'f', argumentsJson: '{}' },
          ],
        },
        {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              callId: 'call_1',
              isError: true,
              content: [
                { type: 'text', text: 'seen' },
                { type: 'image', source: { kind: 'url', url: 'https://example.com/i.png' } },
              ],
            },
          ],
        },
      ],
    });
    expect(json['input']).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'one' }], encrypted_content: 'gAAA' },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'said' },
          { type: 'refusal', refusal: 'no' },
        ],
      },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
      {
        type: 'function_call_output',
        call_id: 'call_1',
        output: [
          { type: 'input_text', text: 'seen' },
          { type: 'input_image', detail: 'auto', image_url: 'https://example.com/i.png' },
        ],
      },
    ]);
    expect(warnings.map(({ field }) => field)).toEqual(['reasoning', 'messages']);
  });

  it.each([
    ['video', { type: 'video' as const, source: { kind: 'url' as const, url: 'https://example.com/v.mp4' } }],
    ['audio by reference', { type: 'audio' as const, source: { kind: 'url' as const, url: 'https://e.com/a.wav' } }],
  ])('refuses %s', (_, part) => {
    expect(() => build({ messages: [{ role: 'user', content: [part] }] })).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { field: 'messages' } }),
    );
  });

  it.each([
    [
      'files by name and data',
      {
        type: 'file' as const,
        filename: 'a.pdf',
        source: { kind: 'data' as const, mediaType: 'application/pdf', base64: 'AA==' },
      },
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' },
    ],
    [
      'files by address',
      { type: 'file' as const, source: { kind: 'url' as const, url: 'https://e.com/a.pdf' } },
      { type: 'input_file', file_url: 'https://e.com/a.pdf' },
    ],
    [
      'sound',
      {
        type: 'audio' as const,
        format: 'mp3',
        source: { kind: 'data' as const, mediaType: 'audio/mp3', base64: 'AA==' },
      },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } },
    ],
    [
      'images that the provider keeps',
      { type: 'image' as const, detail: 'low' as const, source: { kind: 'file-id' as const, id: 'file-1' } },
      { type: 'input_image', detail: 'low', file_id: 'file-1' },
    ],
  ])('shows %s', (_, part, expected) => {
    const { json } = build({ messages: [{ role: 'user', content: [part] }] });
    expect(json['input']).toEqual([{ type: 'message', role: 'user', content: [expected] }]);
  });
});
