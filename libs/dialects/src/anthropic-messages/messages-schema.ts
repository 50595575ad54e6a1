// The wire shapes of Messages, for the reference document.
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
  ref,
  text,
  word,
  type SchemaData,
} from '../schema/schema-data.js';

const plain = { type: 'string' } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const usd = { type: 'number', description: 'USD, exact to twelve decimals' } as const;

const blocks: SchemaData = { type: 'array', items: ref('MessagesBlock'), maxItems: CHAT_LIMITS.parts };

const PROMPT: Readonly<Record<string, SchemaData>> = {
  ...ROUTING_FIELDS,
  messages: {
    type: 'array',
    items: {
      type: 'object',
      required: ['role', 'content'],
      properties: { role: word('user', 'assistant', 'system'), content: { oneOf: [plain, blocks] } },
    },
    minItems: 1,
    maxItems: CHAT_LIMITS.messages,
  },
  system: { oneOf: [plain, { ...blocks, items: { type: 'object' } }, { type: 'null' }] },
  tools: listOf({ type: 'object', properties: { name: plain, type: plain } }, CHAT_LIMITS.tools),
  tool_choice: anyObject({
    required: ['type'],
    properties: { type: word('auto', 'any', 'none', 'tool'), name: plain, disable_parallel_tool_use: flag() },
  }),
  thinking: anyObject({
    required: ['type'],
    properties: { type: word('enabled', 'disabled', 'adaptive'), budget_tokens: { type: 'integer', minimum: 1 } },
  }),
};

export const MESSAGES_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  MessagesBlock: {
    type: 'object',
    description: 'Text, an image, a document, thinking, a call of a tool or its result',
    required: ['type'],
    properties: {
      type: plain,
      text: plain,
      source: { type: 'object' },
      thinking: plain,
      signature: { type: 'string', description: 'Sent back as it came' },
      id: plain,
      name: plain,
      input: { type: 'object' },
      tool_use_id: plain,
      content: {},
      is_error: { type: 'boolean' },
      cache_control: { type: 'object', properties: { type: plain, ttl: word('5m', '1h') } },
    },
  },
  MessagesRequest: {
    type: 'object',
    description: 'Further members are tolerated. Null means that a member is not set.',
    required: ['messages'],
    properties: {
      ...PROMPT,
      fallbacks: describe(
        listOf({ type: 'object', required: ['model'], properties: { model: plain } }, 3),
        'Further models; not beside `models`',
      ),
      max_tokens: integer(1),
      stream: flag(),
      temperature: number(0, 2),
      top_p: number(0, 1),
      top_k: integer(0),
      stop_sequences: listOf(plain, 64),
      output_config: anyObject(),
      metadata: anyObject({ properties: { user_id: text({ maxLength: CHAT_LIMITS.userCharacters }) } }),
      service_tier: text({ maxLength: 32 }),
      speed: text({ enum: ['fast', 'standard', null] }),
      context_management: anyObject(),
      cache_control: PROMPT_CACHE,
    },
  },
  MessagesUsage: answer(
    {
      input_tokens: whole,
      output_tokens: whole,
      cache_creation_input_tokens: whole,
      cache_read_input_tokens: whole,
      cache_creation: answer({ ephemeral_5m_input_tokens: whole, ephemeral_1h_input_tokens: whole }),
      server_tool_use: answer({ web_search_requests: whole }),
      cost: usd,
      is_byok: { type: 'boolean' },
      cost_details: answer({
        upstream_inference_cost: { type: ['number', 'null'] },
        upstream_inference_prompt_cost: usd,
        upstream_inference_completions_cost: usd,
      }),
    },
    ['server_tool_use'],
  ),
  MessagesAnswer: answer(
    {
      id: plain,
      type: word('message'),
      role: word('assistant'),
      model: plain,
      provider: plain,
      content: blocks,
      stop_reason: plain,
      stop_sequence: text(),
      usage: ref('MessagesUsage'),
    },
    ['usage'],
  ),
  MessagesEvent: {
    type: 'object',
    description: 'An event of the stream, named by its `type`; the bill is in `message_delta`',
    required: ['type'],
    properties: {
      type: word(
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
        'ping',
        'error',
      ),
    },
  },
  TokenCount: answer({ input_tokens: whole }),
};
