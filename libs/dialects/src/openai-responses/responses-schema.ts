// The wire shapes of Responses, for the reference document.
import { CHAT_LIMITS } from '../openai-chat/chat-request.js';
import { PROMPT_CACHE, ROUTING_FIELDS } from '../openai-chat/chat-schema.js';
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

const plain = { type: 'string' } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const usd = { type: 'number', description: 'USD, exact to twelve decimals' } as const;
const item = {
  type: 'object',
  description: 'An item as OpenAI describes it: a message, reasoning, a call or its output',
};
const NOT_STORED = 'Refused where it would need a stored response';

/** What is said again of the request. */
const ECHO: Readonly<Record<string, SchemaData>> = {
  instructions: { description: 'As the client wrote them' },
  metadata: anyObject(),
  max_output_tokens: integer(1),
  max_tool_calls: integer(1),
  parallel_tool_calls: { type: 'boolean' },
  previous_response_id: text(),
  temperature: number(0, 2),
  top_p: number(0, 1),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  tool_choice: { oneOf: [plain, { type: 'object' }] },
  tools: { type: 'array', items: { type: 'object' } },
  truncation: text(),
  user: text(),
  text: { type: 'object' },
  reasoning: anyObject(),
  background: { type: ['boolean', 'null'] },
  store: { type: 'boolean' },
};

export const RESPONSES_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  ResponsesRequest: {
    type: 'object',
    description: 'Further members are tolerated. Null means that a member is not set. Nothing is stored between calls.',
    required: ['input'],
    properties: {
      ...ROUTING_FIELDS,
      input: { oneOf: [plain, { type: 'array', items: item }] },
      instructions: text(),
      stream: flag(),
      max_output_tokens: integer(1),
      temperature: number(0, 2),
      top_p: number(0, 1),
      top_k: integer(0),
      top_logprobs: integer(0, 20),
      frequency_penalty: number(-2, 2),
      presence_penalty: number(-2, 2),
      tools: listOf(
        { type: 'object', required: ['type'], properties: { type: plain, name: plain } },
        CHAT_LIMITS.tools,
      ),
      tool_choice: { oneOf: [word('auto', 'none', 'required'), { type: 'object' }, { type: 'null' }] },
      parallel_tool_calls: flag(),
      max_tool_calls: integer(1, 30),
      reasoning: anyObject({
        properties: {
          effort: oneOfWords('max', 'xhigh', 'high', 'medium', 'low', 'minimal', 'none'),
          summary: oneOfWords('auto', 'concise', 'detailed'),
          max_tokens: integer(1),
          enabled: flag(),
        },
      }),
      text: anyObject({ properties: { format: anyObject(), verbosity: text() } }),
      include: listOf(plain, 16),
      metadata: anyObject({ additionalProperties: { type: 'string', maxLength: 512 } }),
      modalities: listOf(word('text', 'image', 'audio', 'video', 'file'), 5),
      image_config: anyObject(),
      prompt: anyObject(),
      prompt_cache_key: text(),
      prompt_cache_options: {},
      cache_control: PROMPT_CACHE,
      service_tier: text({ maxLength: 32 }),
      safety_identifier: text({ maxLength: CHAT_LIMITS.userCharacters }),
      truncation: oneOfWords('auto', 'disabled'),
      debug: {},
      store: describe(flag(), NOT_STORED),
      background: describe(flag(), NOT_STORED),
      previous_response_id: describe(text(), NOT_STORED),
      conversation: describe({ oneOf: [plain, { type: 'object' }, { type: 'null' }] }, NOT_STORED),
    },
  },
  ResponsesUsage: answer({
    input_tokens: whole,
    input_tokens_details: answer({ cached_tokens: whole, cache_write_tokens: whole }),
    output_tokens: whole,
    output_tokens_details: answer({ reasoning_tokens: whole }),
    total_tokens: whole,
    cost: usd,
    is_byok: { type: 'boolean' },
    cost_details: answer({
      upstream_inference_cost: { type: ['number', 'null'] },
      upstream_inference_input_cost: usd,
      upstream_inference_output_cost: usd,
    }),
  }),
  Response: answer(
    {
      id: plain,
      object: word('response'),
      created_at: whole,
      completed_at: describe({ type: ['integer', 'null'] }, 'Unix seconds, of a response that is whole'),
      status: word('in_progress', 'completed', 'incomplete', 'failed'),
      error_type: plain,
      error: anyObject(),
      incomplete_details: anyObject({ properties: { reason: plain } }),
      model: plain,
      provider: plain,
      output: { type: 'array', items: item },
      ...ECHO,
      usage: { oneOf: [ref('ResponsesUsage'), { type: 'null' }] },
    },
    ['completed_at', 'error_type', 'provider', 'usage', ...Object.keys(ECHO)],
  ),
  ResponsesEvent: {
    type: 'object',
    description: 'An event of the stream, named by its `type`; the last carries the whole response with the bill',
    required: ['type'],
    properties: { type: plain, sequence_number: whole, response: ref('Response') },
  },
};
