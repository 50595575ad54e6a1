// What each provider calls usage, as its documents show it, and the classes that it comes to: cached inside or outside of the prompt, reasoning inside or beside the
// output, a running sum or a last word. Read by the real readers, as a stream and as a body, with bytes that pass and by way of events.
import { inputTokens, outputTokens, type Usage } from '@waystation/generation';
import { eventFrame } from './bedrock-converse/fixtures/frames.js';
import { cohereJobs } from './cohere-jobs/cohere-jobs.js';
import { answered, jobOf } from './conformance/jobs.js';
import { CONFORMANCE_TERMS } from './conformance/conformance.js';
import { findProviderDialect } from './registry.js';
import type { ResponseReader, ResponseReport } from './spec.js';

interface Row {
  readonly provider: string;
  /** What is special. */
  readonly about: string;
  /** The page that shows it. */
  readonly source: string;
  readonly dialect: keyof typeof SPOKEN;
  /** As told; of a stream that tells more than once, each in order: the body tells the last. */
  readonly told: object | readonly object[];
  readonly usage: Usage;
  /** The tokens that the provider says there are in all, where it does. */
  readonly total?: number;
}

const sse = (...events: readonly object[]): Buffer =>
  Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));

interface Spoken {
  /** A stream that says a word and tells these counts, in order. */
  readonly stream: (told: readonly object[]) => Buffer;
  readonly body: (told: object) => object;
}

const chunk = (members: object): object => ({
  id: 'up',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  ...members,
});
const delta = (content: string, more: object = {}): object =>
  chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more });
const chatBody = (usage: object): object => ({
  ...chunk({ object: 'chat.completion' }),
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage,
});
const last = (more: object = {}): object =>
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...more }] });

const SPOKEN = {
  'openai-chat': {
    stream: (told) => sse(delta('a'), last(), ...told.map((usage) => chunk({ choices: [], usage }))),
    body: chatBody,
  },
  /** With the last words of an answer, and in each of its chunks. */
  'openai-chat, each chunk': {
    stream: (told) => sse(...told.map((usage) => delta('a', { usage })), last()),
    body: chatBody,
  },
  'openai-chat, in the choice': {
    stream: (told) => sse(delta('a'), last({ usage: told[0] })),
    body: chatBody,
  },
  'openai-responses': {
    stream: ([usage]) =>
      sse(
        { type: 'response.created', response: { id: 'up', status: 'in_progress', usage: null } },
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { type: 'message', id: 'm', role: 'assistant', content: [] },
        },
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'a' },
        { type: 'response.completed', response: { id: 'up', status: 'completed', output: [], usage } },
      ),
    body: (usage) => ({
      id: 'up',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'a' }] }],
      usage,
    }),
  },
  'anthropic-messages': {
    stream: ([first = {}, ...rest]) =>
      sse(
        { type: 'message_start', message: { id: 'up', model: 'm', usage: first } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a' } },
        { type: 'content_block_stop', index: 0 },
        ...rest.map((usage) => ({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage })),
        { type: 'message_stop' },
      ),
    body: (usage) => ({ id: 'up', content: [{ type: 'text', text: 'a' }], stop_reason: 'end_turn', usage }),
  },
  gemini: {
    stream: (told) =>
      sse(
        ...told.map((usageMetadata, index) => ({
          candidates: [
            {
              content: { parts: [{ text: 'a' }], role: 'model' },
              ...(index === told.length - 1 ? { finishReason: 'STOP' } : {}),
              index: 0,
            },
          ],
          usageMetadata,
          responseId: 'up',
        })),
      ),
    body: (usageMetadata) => ({
      candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata,
    }),
  },
  'bedrock-converse': {
    stream: ([usage]) =>
      Buffer.concat([
        eventFrame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' } }),
        eventFrame('contentBlockStop', { contentBlockIndex: 0 }),
        eventFrame('messageStop', { stopReason: 'end_turn' }),
        eventFrame('metadata', { usage, metrics: {} }),
      ]),
    body: (usage) => ({ output: { message: { content: [{ text: 'a' }] } }, stopReason: 'end_turn', usage }),
  },
  cohere: {
    stream: ([usage]) =>
      sse(
        { type: 'message-start', id: 'up' },
        { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
        { type: 'content-delta', index: 0, delta: { message: { content: { text: 'a' } } } },
        { type: 'content-end', index: 0 },
        { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage } },
      ),
    body: (usage) => ({
      message: { content: [{ type: 'text', text: 'a' }] },
      finish_reason: 'COMPLETE',
      usage,
    }),
  },
} satisfies Readonly<Record<string, Spoken>>;

const ROWS: readonly Row[] = [
  {
    provider: 'OpenAI, chat completions',
    about: 'cached and audio inside of the prompt, reasoning and audio inside of the completion',
    source: 'https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 200, audio_tokens: 20, accepted_prediction_tokens: 0 },
    },
    usage: { input: 80, cacheRead: 1_920, audioInput: 6, output: 80, reasoning: 200, audioOutput: 20 },
    total: 2_306,
  },
  {
    provider: 'OpenAI, Responses',
    about: 'cached inside of the input, reasoning inside of the output',
    source: 'https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage',
    dialect: 'openai-responses',
    told: {
      input_tokens: 328,
      input_tokens_details: { cached_tokens: 256 },
      output_tokens: 252,
      output_tokens_details: { reasoning_tokens: 128 },
      total_tokens: 580,
    },
    usage: { input: 72, cacheRead: 256, output: 124, reasoning: 128 },
    total: 580,
  },
  {
    provider: 'Azure OpenAI',
    about: 'as OpenAI',
    source: 'https://learn.microsoft.com/azure/ai-foundry/openai/how-to/prompt-caching',
    dialect: 'openai-chat',
    told: {
      completion_tokens: 1_518,
      prompt_tokens: 1_566,
      total_tokens: 3_084,
      completion_tokens_details: { reasoning_tokens: 576 },
      prompt_tokens_details: { cached_tokens: 1_408 },
    },
    usage: { input: 158, cacheRead: 1_408, output: 942, reasoning: 576 },
    total: 3_084,
  },
  {
    provider: 'Anthropic',
    about: 'cached beside the input; the stream tells input first, and a running sum of the output',
    source: 'https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance',
    dialect: 'anthropic-messages',
    told: [
      { input_tokens: 21, cache_creation_input_tokens: 188, cache_read_input_tokens: 2_086, output_tokens: 1 },
      { output_tokens: 200 },
      { input_tokens: 21, cache_creation_input_tokens: 188, cache_read_input_tokens: 2_086, output_tokens: 393 },
    ],
    usage: { input: 21, cacheWrite: 188, cacheRead: 2_086, output: 393 },
  },
  {
    provider: 'Anthropic',
    about: 'what is kept for an hour is told apart once, and inside of a sum that is told again',
    source: 'https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#1-hour-cache-duration',
    dialect: 'anthropic-messages',
    told: [
      {
        input_tokens: 2_048,
        cache_read_input_tokens: 1_800,
        cache_creation_input_tokens: 248,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
        output_tokens: 1,
      },
      {
        input_tokens: 2_048,
        cache_read_input_tokens: 1_800,
        cache_creation_input_tokens: 248,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
        output_tokens: 503,
      },
    ],
    usage: { input: 2_048, cacheRead: 1_800, cacheWrite: 148, cacheWrite1h: 100, output: 503 },
  },
  {
    provider: 'Google Gemini',
    about:
      'cached inside of the prompt, thoughts beside the candidates, what tools put in beside the prompt; each chunk tells the sum so far',
    source: 'https://ai.google.dev/api/generate-content#UsageMetadata',
    dialect: 'gemini',
    told: [
      { promptTokenCount: 2_000, cachedContentTokenCount: 1_500, thoughtsTokenCount: 100, totalTokenCount: 2_100 },
      {
        promptTokenCount: 2_000,
        cachedContentTokenCount: 1_500,
        candidatesTokenCount: 23,
        thoughtsTokenCount: 185,
        toolUsePromptTokenCount: 40,
        totalTokenCount: 2_248,
      },
    ],
    usage: { input: 540, cacheRead: 1_500, output: 23, reasoning: 185 },
    total: 2_248,
  },
  {
    provider: 'Amazon Bedrock',
    about: 'cached beside the input, what is kept for an hour inside of what was written',
    source: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html',
    dialect: 'bedrock-converse',
    told: {
      inputTokens: 10,
      outputTokens: 50,
      totalTokens: 2_310,
      cacheReadInputTokens: 2_000,
      cacheWriteInputTokens: 250,
      cacheDetails: [
        { ttl: '5m', inputTokens: 150 },
        { ttl: '1h', inputTokens: 100 },
      ],
    },
    usage: { input: 10, output: 50, cacheRead: 2_000, cacheWrite: 150, cacheWrite1h: 100 },
    total: 2_310,
  },
  {
    provider: 'Cohere',
    about: 'what is billed, not what was processed',
    source: 'https://docs.cohere.com/reference/chat#response.body.usage',
    dialect: 'cohere',
    told: {
      billed_units: { input_tokens: 12, output_tokens: 7 },
      tokens: { input_tokens: 507, output_tokens: 10 },
      cached_tokens: 448,
    },
    usage: { input: 12, output: 7 },
  },
  {
    provider: 'DeepSeek',
    about: 'hits and misses beside the details, both inside of the prompt; reasoning inside of the completion',
    source: 'https://api-docs.deepseek.com/guides/kv_cache',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 339,
      completion_tokens: 120,
      total_tokens: 459,
      prompt_cache_hit_tokens: 320,
      prompt_cache_miss_tokens: 19,
      completion_tokens_details: { reasoning_tokens: 83 },
    },
    usage: { input: 19, cacheRead: 320, output: 37, reasoning: 83 },
    total: 459,
  },
  {
    provider: 'Mistral',
    about: 'cached inside of the prompt',
    source: 'https://docs.mistral.ai/inference/conversations/advanced/prompt-caching',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 100,
      completion_tokens: 8,
      total_tokens: 108,
      prompt_tokens_details: { cached_tokens: 64 },
    },
    usage: { input: 36, cacheRead: 64, output: 8 },
    total: 108,
  },
  {
    provider: 'Mistral',
    about: 'sound in seconds beside its tokens',
    source: 'https://docs.mistral.ai/capabilities/audio/',
    dialect: 'openai-chat',
    told: { prompt_audio_seconds: 203, prompt_tokens: 35, completion_tokens: 27, total_tokens: 62 },
    usage: { input: 35, output: 27, seconds: 203 },
    total: 62,
  },
  {
    provider: 'Groq',
    about: 'cached inside of the prompt; times beside the counts, which stand in the last chunk that has a choice',
    source: 'https://console.groq.com/docs/prompt-caching',
    dialect: 'openai-chat, each chunk',
    told: {
      queue_time: 0.026,
      prompt_tokens: 4_641,
      prompt_time: 0.009,
      completion_tokens: 1_817,
      completion_time: 5.57,
      total_tokens: 6_458,
      total_time: 5.58,
      prompt_tokens_details: { cached_tokens: 4_608 },
    },
    usage: { input: 33, cacheRead: 4_608, output: 1_817 },
    total: 6_458,
  },
  {
    provider: 'xAI',
    about: 'cached inside of the prompt, reasoning beside the completion',
    source: 'https://docs.x.ai/docs/guides/reasoning',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { text_tokens: 32, audio_tokens: 0, image_tokens: 0, cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
      num_sources_used: 0,
    },
    usage: { input: 26, cacheRead: 6, output: 9, reasoning: 94 },
    total: 135,
  },
  {
    provider: 'xAI',
    about: 'no reasoning, and all that is there was cached',
    source: 'https://docs.x.ai/developers/advanced-api-usage/prompt-caching/usage-and-pricing',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 125,
      completion_tokens: 48,
      total_tokens: 173,
      prompt_tokens_details: { text_tokens: 125, audio_tokens: 0, image_tokens: 0, cached_tokens: 125 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    usage: { input: 0, cacheRead: 125, output: 48, reasoning: 0 },
    total: 173,
  },
  {
    provider: 'Together',
    about: 'cached inside of the prompt, told beside it',
    source: 'https://docs.together.ai/docs/inference/chat/prompt-caching',
    dialect: 'openai-chat',
    told: { prompt_tokens: 1_500, completion_tokens: 20, total_tokens: 1_520, cached_tokens: 1_024 },
    usage: { input: 476, cacheRead: 1_024, output: 20 },
    total: 1_520,
  },
  {
    provider: 'Fireworks',
    about: 'cached inside of the prompt',
    source: 'https://docs.fireworks.ai/guides/prompt-caching',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 500,
      total_tokens: 560,
      completion_tokens: 60,
      prompt_tokens_details: { cached_tokens: 400 },
    },
    usage: { input: 100, cacheRead: 400, output: 60 },
    total: 560,
  },
  {
    provider: 'DeepInfra',
    about: 'an estimate of the cost beside the counts, null details',
    source: 'https://docs.deepinfra.com/chat/overview',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 15,
      total_tokens: 31,
      completion_tokens: 16,
      estimated_cost: 0.0000268,
      prompt_tokens_details: null,
    },
    usage: { input: 15, output: 16 },
    total: 31,
  },
  {
    provider: 'Cerebras',
    about: 'cached inside of the prompt, reasoning inside of the completion',
    source: 'https://inference-docs.cerebras.ai/capabilities/prompt-caching',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 3_000,
      completion_tokens: 150,
      total_tokens: 3_150,
      prompt_tokens_details: { cached_tokens: 2_816 },
      completion_tokens_details: { reasoning_tokens: 100 },
    },
    usage: { input: 184, cacheRead: 2_816, output: 50, reasoning: 100 },
    total: 3_150,
  },
  {
    provider: 'Moonshot',
    about: 'cached inside of the prompt, told twice',
    source: 'https://platform.moonshot.ai/docs/api/chat',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 101,
      completion_tokens: 32,
      total_tokens: 133,
      cached_tokens: 90,
      prompt_tokens_details: { cached_tokens: 90 },
      completion_tokens_details: { reasoning_tokens: 16 },
    },
    usage: { input: 11, cacheRead: 90, output: 16, reasoning: 16 },
    total: 133,
  },
  {
    provider: 'Moonshot',
    about: 'cached inside of the prompt, told beside it; of a stream in its last choice',
    source: 'https://platform.moonshot.ai/docs/api/chat',
    dialect: 'openai-chat, in the choice',
    told: { prompt_tokens: 19, completion_tokens: 13, total_tokens: 32, cached_tokens: 10 },
    usage: { input: 9, cacheRead: 10, output: 13 },
    total: 32,
  },
  {
    provider: 'Alibaba',
    about: 'cached and written inside of the prompt',
    source: 'https://www.alibabacloud.com/help/en/model-studio/context-cache',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 1_605,
      completion_tokens: 105,
      total_tokens: 1_710,
      prompt_tokens_details: { cached_tokens: 1_024, cache_creation_input_tokens: 500, cache_type: 'ephemeral' },
    },
    usage: { input: 81, cacheRead: 1_024, cacheWrite: 500, output: 105 },
    total: 1_710,
  },
  {
    provider: 'Z.AI',
    about: 'cached inside of the prompt',
    source: 'https://docs.z.ai/guides/capabilities/cache',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 1_200,
      completion_tokens: 300,
      total_tokens: 1_500,
      prompt_tokens_details: { cached_tokens: 800 },
    },
    usage: { input: 400, cacheRead: 800, output: 300 },
    total: 1_500,
  },
  {
    provider: 'Perplexity',
    about: 'each chunk tells the sum so far, with a cost beside it',
    source: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
    dialect: 'openai-chat, each chunk',
    told: [
      { prompt_tokens: 14, completion_tokens: 1, total_tokens: 15, search_context_size: 'low' },
      { prompt_tokens: 14, completion_tokens: 70, total_tokens: 84, search_context_size: 'low' },
      {
        prompt_tokens: 14,
        completion_tokens: 91,
        total_tokens: 105,
        search_context_size: 'low',
        cost: { input_tokens_cost: 0, output_tokens_cost: 0.001, request_cost: 0.006, total_cost: 0.007 },
      },
    ],
    usage: { input: 14, output: 91 },
    total: 105,
  },
  {
    provider: 'Perplexity, deep research',
    about: 'what it read, thought and searched beside prompt, completion and their total',
    source: 'https://docs.perplexity.ai/getting-started/pricing',
    dialect: 'openai-chat',
    told: {
      prompt_tokens: 33,
      completion_tokens: 7_163,
      total_tokens: 7_196,
      citation_tokens: 20_016,
      num_search_queries: 28,
      reasoning_tokens: 73_997,
    },
    usage: { input: 20_049, output: 7_163, reasoning: 73_997, searches: 28 },
  },
  {
    provider: 'OpenRouter',
    about: 'cached and written inside of the prompt, reasoning inside of the completion, its cost beside',
    source: 'https://openrouter.ai/docs/guides/guides/usage-accounting',
    dialect: 'openai-chat',
    told: {
      completion_tokens: 20,
      completion_tokens_details: { reasoning_tokens: 5 },
      cost: 0.95,
      cost_details: { upstream_inference_cost: 19 },
      prompt_tokens: 194,
      prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 50, audio_tokens: 0 },
      total_tokens: 214,
    },
    usage: { input: 44, cacheRead: 100, cacheWrite: 50, output: 15, reasoning: 5 },
    total: 214,
  },
  {
    provider: 'vLLM',
    about: 'each chunk tells the sum so far; cached inside of the prompt where it is told at all',
    source: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server/',
    dialect: 'openai-chat, each chunk',
    told: [
      { prompt_tokens: 40, total_tokens: 41, completion_tokens: 1 },
      { prompt_tokens: 40, total_tokens: 49, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 32 } },
    ],
    usage: { input: 8, cacheRead: 32, output: 9 },
    total: 49,
  },
  {
    provider: 'SGLang',
    about: 'reasoning inside of the completion, told beside it',
    source: 'https://docs.sglang.ai/basic_usage/openai_api_completions.html',
    dialect: 'openai-chat',
    told: { prompt_tokens: 29, total_tokens: 829, completion_tokens: 800, reasoning_tokens: 600 },
    usage: { input: 29, output: 200, reasoning: 600 },
    total: 829,
  },
  {
    provider: 'Ollama',
    about: 'nothing but sums',
    source: 'https://docs.ollama.com/api/openai-compatibility',
    dialect: 'openai-chat',
    told: { prompt_tokens: 26, completion_tokens: 298, total_tokens: 324 },
    usage: { input: 26, output: 298 },
    total: 324,
  },
];

const PASSED: ReadonlySet<string> = new Set(['openai-chat', 'openai-responses', 'anthropic-messages']);

const fed = (reader: ResponseReader, bytes: Buffer): ResponseReport => {
  for (let at = 0; at < bytes.length && !reader.done; at += 97) reader.push(Buffer.from(bytes.subarray(at, at + 97)));
  if (!reader.done) reader.end();
  expect(reader.failure).toBeUndefined();
  return reader.report();
};

/** By way of events, and with bytes that pass where the dialect has them. */
const reportsOf = (name: string, stream: boolean, bytes: Buffer): ResponseReport[] => {
  const [spoken = name] = name.split(',');
  const dialect = findProviderDialect(spoken);
  if (dialect?.translation === undefined) throw new Error(`there is no translation of ${spoken}`);
  const terms = { ...CONFORMANCE_TERMS, stream };
  const sink = (): void => undefined;
  return [
    fed(dialect.translation.readResponse(terms, sink), bytes),
    ...(PASSED.has(spoken) && dialect.passthrough !== undefined
      ? [fed(dialect.passthrough.readResponse(terms, sink), bytes)]
      : []),
  ];
};

describe('usage as it is told by', () => {
  it.each(ROWS.map((row) => [row.provider, row.about, row] as const))('%s: %s', (_, __, row) => {
    const told: readonly object[] = 'length' in row.told ? (row.told as readonly object[]) : [row.told];
    const spoken: Spoken = SPOKEN[row.dialect];
    const whole = told.at(-1) ?? {};
    // A Messages stream tells its usage once more at its end.
    const streamed = row.dialect === 'anthropic-messages' && told.length === 1 ? [whole, whole] : told;
    const reports = [
      ...reportsOf(row.dialect, true, spoken.stream(streamed)),
      ...reportsOf(row.dialect, false, Buffer.from(JSON.stringify(spoken.body(whole)))),
    ];
    expect(reports.length).toBeGreaterThanOrEqual(2);
    for (const { usage, usageSource } of reports) {
      expect({ usage, usageSource }).toEqual({ usage: row.usage, usageSource: 'provider' });
      if (row.total !== undefined) expect(inputTokens(usage) + outputTokens(usage)).toBe(row.total);
    }
  });

  // The last event of a recorded stream repeats the sum of what was written, and not for how long: https://docs.anthropic.com/en/docs/build-with-claude/streaming
  it('Anthropic: what is kept for an hour is not counted twice where the end of the stream does not tell it apart', () => {
    const written = { input_tokens: 12, cache_creation_input_tokens: 248, cache_read_input_tokens: 0 };
    const apart = { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 };
    const bytes = SPOKEN['anthropic-messages'].stream([
      { ...written, cache_creation: apart, output_tokens: 1 },
      { ...written, output_tokens: 30 },
    ]);
    for (const { usage } of reportsOf('anthropic-messages', true, bytes))
      expect(usage).toEqual({ input: 12, cacheRead: 0, cacheWrite: 148, cacheWrite1h: 100, output: 30 });
  });
});

const COHERE = { name: 'cohere', jobs: cohereJobs };
const dialect = (name: string) => {
  const found = findProviderDialect(name);
  if (found === undefined) throw new Error(`there is no dialect ${name}`);
  return found;
};
const embedding = (usage: object) => ({
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
  model: 'm',
  usage,
});
const ASKED = { embeddings: { model: 'a/b', input: ['x'] }, rerank: { model: 'a/b', query: 'q', documents: ['d'] } };

describe('usage of a job as it is told by', () => {
  it.each<[string, string, keyof typeof ASKED, Pick<ReturnType<typeof dialect>, 'name' | 'jobs'>, object, Usage]>([
    [
      'OpenAI, embeddings',
      'https://platform.openai.com/docs/api-reference/embeddings/object',
      'embeddings',
      dialect('openai-chat'),
      embedding({ prompt_tokens: 8, total_tokens: 8 }),
      { input: 8 },
    ],
    [
      'Voyage, embeddings',
      'https://docs.voyageai.com/reference/embeddings-api',
      'embeddings',
      dialect('voyage'),
      embedding({ total_tokens: 10 }),
      { input: 10 },
    ],
    [
      'Voyage, rerank',
      'https://docs.voyageai.com/reference/reranker-api',
      'rerank',
      dialect('voyage'),
      { object: 'list', data: [{ relevance_score: 0.4, index: 0 }], model: 'm', usage: { total_tokens: 26 } },
      { input: 26 },
    ],
    [
      'Jina, embeddings',
      'https://api.jina.ai/redoc',
      'embeddings',
      dialect('jina'),
      embedding({ total_tokens: 12, prompt_tokens: 12 }),
      { input: 12 },
    ],
    [
      'Jina, rerank',
      'https://api.jina.ai/redoc',
      'rerank',
      dialect('jina'),
      { model: 'm', usage: { total_tokens: 815 }, results: [{ index: 0, relevance_score: 0.9 }] },
      { input: 815 },
    ],
    [
      'Cohere, embeddings: what is billed',
      'https://docs.cohere.com/reference/embed',
      'embeddings',
      COHERE,
      { id: 'up', embeddings: { float: [[0.1]] }, meta: { billed_units: { input_tokens: 2 } } },
      { input: 2 },
    ],
    [
      'Cohere, rerank: search units',
      'https://docs.cohere.com/reference/rerank',
      'rerank',
      COHERE,
      { id: 'up', results: [{ index: 0, relevance_score: 0.9 }], meta: { billed_units: { search_units: 1 } } },
      { searchUnits: 1 },
    ],
    [
      'Together, rerank',
      'https://docs.together.ai/reference/rerank-1',
      'rerank',
      dialect('openai-chat'),
      {
        object: 'rerank',
        results: [{ index: 0, relevance_score: 0.9 }],
        usage: { prompt_tokens: 180, completion_tokens: 0, total_tokens: 180 },
      },
      { input: 180 },
    ],
  ])('%s (%s)', (_, __, job, from, answer, usage) => {
    const { reader } = answered(jobOf(from, job), ASKED[job], JSON.stringify(answer));
    expect(reader.failure).toBeUndefined();
    expect(reader.report()).toMatchObject({ usage, usageSource: 'provider' });
  });
});
