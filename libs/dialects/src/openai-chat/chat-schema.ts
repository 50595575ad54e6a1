// The wire shapes of chat completions, for the reference document.
import { PLUGIN_IDS, PLUGINS_MAX } from '../plugins/read-plugins.js';
import { CHAT_LIMITS } from './chat-request.js';
import {
  answer,
  anyObject,
  describe,
  flag,
  integer,
  listOf,
  number,
  oneOfWords,
  ref,
  text,
  word,
  type SchemaData,
} from '../schema/schema-data.js';

const EFFORT = oneOfWords('max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none');
const WITHOUT_EFFECT = 'Taken without effect, and told as a warning of the generation.';
const plain = { type: 'string' } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const usd = { type: 'number', description: 'USD, exact to twelve decimals' } as const;

/** At the top of a body. */
export const PROMPT_CACHE: SchemaData = describe(
  anyObject({ required: ['type'], properties: { type: word('ephemeral'), ttl: oneOfWords('5m', '1h') } }),
  'Caches the prompt: where a provider wants that marked, marks are put at the ends of tools, instructions and turns, beside the marks of the request. Elsewhere it changes nothing',
);

/** What every generation may say beside its prompt, whatever the dialect. */
export const ROUTING_FIELDS: Readonly<Record<string, SchemaData>> = {
  model: describe(text({ maxLength: CHAT_LIMITS.modelCharacters }), 'Absent: the default of the workspace'),
  models: describe(
    listOf({ type: 'string', maxLength: CHAT_LIMITS.modelCharacters }, CHAT_LIMITS.models),
    'Further models, tried in this order',
  ),
  provider: { oneOf: [ref('ProviderPreferences'), { type: 'null' }] },
  route: describe(oneOfWords('fallback', 'sort'), 'Deprecated; see `provider.sort`'),
  session_id: text({ minLength: 1, maxLength: CHAT_LIMITS.sessionCharacters }),
  user: describe(text({ minLength: 1, maxLength: CHAT_LIMITS.userCharacters }), 'The end user, for limits and reports'),
  trace: anyObject(),
  plugins: describe(
    listOf({ type: 'object', required: ['id'], properties: { id: word(...PLUGIN_IDS), enabled: flag() } }, PLUGINS_MAX),
    'What is not served here (`web`, `web-fetch`, `moderation`, `fusion`, `alignment`) is refused, unless `enabled` is false',
  ),
  preset: describe(text(), WITHOUT_EFFECT),
  stop_server_tools_when: describe({}, WITHOUT_EFFECT),
};

const content: SchemaData = {
  oneOf: [plain, { type: 'array', items: ref('ChatContentPart'), maxItems: CHAT_LIMITS.parts }, { type: 'null' }],
};

const toolCall = answer({
  id: plain,
  type: word('function'),
  function: answer({ name: plain, arguments: { type: 'string', description: 'JSON text' } }),
});

const reasoning = {
  reasoning: text(),
  reasoning_details: {
    type: 'array',
    items: { type: 'object', description: 'Sent back as it came, so that signatures survive' },
  },
} as const;

const said = {
  role: word('assistant'),
  content: text(),
  refusal: text(),
  ...reasoning,
  tool_calls: { type: 'array', items: toolCall },
  images: { type: 'array', items: { type: 'object' } },
  annotations: { type: 'array', items: { type: 'object' } },
  audio: { type: 'object' },
};
const OPTIONAL_SAID = ['reasoning_details', 'tool_calls', 'images', 'annotations', 'audio'];

const finish = {
  finish_reason: text({ description: '`stop`, `length`, `tool_calls`, `content_filter` or `error`' }),
  native_finish_reason: text(),
  logprobs: anyObject(),
};

const head = (object: string): Readonly<Record<string, SchemaData>> => ({
  id: { type: 'string', description: 'Of the generation; also in `X-Generation-Id`' },
  object: word(object),
  created: { type: 'integer', description: 'Unix seconds' },
  model: plain,
  provider: plain,
  system_fingerprint: plain,
});

const SLUGS = listOf({ type: 'string', maxLength: 128 }, CHAT_LIMITS.slugs);
const PRICE: SchemaData = { type: ['number', 'string', 'null'] };
const SORT = word('price', 'throughput', 'latency', 'exacto');
const CUTOFFS: SchemaData = {
  oneOf: [
    { type: ['number', 'null'] },
    {
      type: 'object',
      properties: Object.fromEntries(['p50', 'p75', 'p90', 'p99'].map((name) => [name, { type: ['number', 'null'] }])),
      additionalProperties: false,
    },
  ],
};

export const CHAT_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  ProviderPreferences: {
    type: 'object',
    description: 'Where a generation may run. An unknown member is refused: a misspelt wish must not route.',
    additionalProperties: false,
    properties: {
      order: SLUGS,
      only: SLUGS,
      ignore: SLUGS,
      allow_fallbacks: flag(),
      require_parameters: flag(),
      data_collection: oneOfWords('allow', 'deny'),
      zdr: flag(),
      enforce_distillable_text: flag(),
      quantizations: listOf({ type: 'string' }, 32),
      sort: {
        oneOf: [
          SORT,
          {
            type: 'object',
            properties: { by: SORT, partition: word('model', 'none') },
            additionalProperties: false,
          },
          { type: 'null' },
        ],
      },
      max_price: {
        type: ['object', 'null'],
        description: '`prompt` and `completion` in USD per million tokens, the others per unit',
        properties: { prompt: PRICE, completion: PRICE, request: PRICE, image: PRICE, audio: PRICE },
        additionalProperties: false,
      },
      preferred_min_throughput: CUTOFFS,
      preferred_max_latency: CUTOFFS,
    },
  },
  ChatContentPart: {
    type: 'object',
    description: 'Text, an image, audio, a video or a file',
    required: ['type'],
    properties: {
      type: word('text', 'image_url', 'input_audio', 'video_url', 'input_video', 'file'),
      text: plain,
      image_url: {
        type: 'object',
        required: ['url'],
        properties: { url: plain, detail: word('auto', 'low', 'high', 'original') },
      },
      input_audio: { type: 'object', properties: { data: plain, format: plain } },
      video_url: { type: 'object', properties: { url: plain } },
      file: { type: 'object', properties: { filename: plain, file_data: plain, file_id: plain } },
      cache_control: { type: 'object', properties: { type: plain, ttl: word('5m', '1h') } },
    },
  },
  ChatMessage: {
    type: 'object',
    required: ['role'],
    properties: {
      role: word('system', 'developer', 'user', 'assistant', 'tool'),
      content,
      name: text(),
      tool_calls: { type: ['array', 'null'], items: toolCall },
      tool_call_id: text(),
      refusal: text(),
      ...reasoning,
    },
  },
  ChatRequest: {
    type: 'object',
    description: 'Further members are tolerated. Null means that a member is not set.',
    required: ['messages'],
    properties: {
      ...ROUTING_FIELDS,
      messages: { type: 'array', items: ref('ChatMessage'), minItems: 1, maxItems: CHAT_LIMITS.messages },
      stream: flag(),
      stream_options: anyObject(),
      max_tokens: integer(1),
      max_completion_tokens: integer(1),
      n: integer(1, CHAT_LIMITS.choices),
      temperature: number(0, 2),
      top_p: number(0, 1),
      top_k: integer(0),
      min_p: number(0, 1),
      top_a: number(0, 1),
      frequency_penalty: number(-2, 2),
      presence_penalty: number(-2, 2),
      repetition_penalty: number(0, 2),
      seed: integer(),
      stop: { oneOf: [plain, listOf(plain, CHAT_LIMITS.stopSequences)] },
      logit_bias: anyObject({ additionalProperties: { type: 'number', minimum: -100, maximum: 100 } }),
      logprobs: flag(),
      top_logprobs: integer(0, 20),
      response_format: anyObject({
        required: ['type'],
        properties: { type: word('text', 'json_object', 'json_schema', 'grammar', 'python') },
      }),
      structured_outputs: flag(),
      tools: listOf({ type: 'object', required: ['type'], properties: { type: plain } }, CHAT_LIMITS.tools),
      tool_choice: { oneOf: [plain, { type: 'object' }, { type: 'null' }] },
      parallel_tool_calls: flag(),
      reasoning: anyObject({ properties: { effort: EFFORT, max_tokens: integer(), enabled: flag(), exclude: flag() } }),
      reasoning_effort: EFFORT,
      include_reasoning: flag(),
      verbosity: text(),
      transforms: describe(listOf(word('middle-out'), 8), 'The older word for the plugin `context-compression`'),
      max_tool_calls: describe({}, WITHOUT_EFFECT),
      metadata: anyObject({
        additionalProperties: { type: 'string', maxLength: 512 },
        maxProperties: CHAT_LIMITS.metadataPairs,
      }),
      prompt_cache_key: text(),
      prompt_cache_options: {},
      cache_control: PROMPT_CACHE,
      service_tier: text({ maxLength: 32 }),
      modalities: listOf(word('text', 'image', 'audio', 'video', 'file'), 5),
      audio: anyObject(),
      image_config: {},
      prediction: anyObject(),
      web_search_options: {},
      usage: {},
      debug: {},
    },
  },
  ChatUsage: answer({
    prompt_tokens: whole,
    completion_tokens: whole,
    total_tokens: whole,
    prompt_tokens_details: answer({
      cached_tokens: whole,
      cache_write_tokens: whole,
      audio_tokens: whole,
      video_tokens: whole,
    }),
    completion_tokens_details: answer({ reasoning_tokens: whole, audio_tokens: whole, image_tokens: whole }),
    cost: usd,
    is_byok: { type: 'boolean' },
    cost_details: answer({
      upstream_inference_cost: { type: ['number', 'null'] },
      upstream_inference_prompt_cost: usd,
      upstream_inference_completions_cost: usd,
    }),
  }),
  ChatCompletion: answer(
    {
      ...head('chat.completion'),
      system_fingerprint: describe({ type: ['string', 'null'] }, 'Null where the provider tells none'),
      choices: {
        type: 'array',
        items: answer({ index: whole, message: answer(said, OPTIONAL_SAID), ...finish }),
      },
      usage: ref('ChatUsage'),
    },
    ['usage'],
  ),
  ChatCompletionChunk: answer(
    {
      ...head('chat.completion.chunk'),
      choices: {
        type: 'array',
        items: answer({ index: whole, delta: answer(said, Object.keys(said)), ...finish }),
      },
      usage: describe(ref('ChatUsage'), 'In the last chunk before `[DONE]`, which has no choices'),
      error: describe({ type: 'object' }, 'In the last chunk of a stream that broke'),
    },
    ['provider', 'system_fingerprint', 'usage', 'error'],
  ),
};
