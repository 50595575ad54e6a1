// The wire shapes of legacy completions, for the reference document: chat's, with a prompt for messages.
import { CHAT_SCHEMAS } from '../openai-chat/chat-schema.js';
import { answer, describe, integer, ref, text, word, type SchemaData } from '../schema/schema-data.js';

const NO_EFFECT = 'Taken without effect, and told as a warning of the generation.';
const UNUSED = ['logprobs', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls', 'modalities', 'audio'];
const ofChat: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(CHAT_SCHEMAS['ChatRequest']?.['properties'] ?? {}).filter(([name]) => name !== 'messages'),
);

const head = {
  id: { type: 'string', description: 'Of the generation; also in `X-Generation-Id`' },
  object: word('text_completion'),
  created: { type: 'integer', description: 'Unix seconds' },
  model: { type: 'string' },
  provider: { type: 'string' },
} as const;
const choice = answer(
  {
    index: { type: 'integer', minimum: 0 },
    text: { type: 'string' },
    reasoning: { type: 'string' },
    logprobs: { type: 'null' },
    finish_reason: text(),
    native_finish_reason: text(),
    error: { type: 'object' },
  },
  ['reasoning', 'error'],
);
const choices = { type: 'array', items: choice } as const;

export const COMPLETIONS_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  CompletionRequest: {
    type: 'object',
    description:
      'Asked of a model as a chat of one message. Further members are tolerated; null means that a member is not set.',
    required: ['prompt'],
    properties: {
      ...ofChat,
      prompt: {
        description: 'A text, or a list of one',
        oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 1 }],
      },
      n: integer(1, 1),
      best_of: integer(1, 1),
      echo: { type: ['boolean', 'null'], enum: [false, null] },
      suffix: { type: ['string', 'null'], enum: ['', null] },
      ...Object.fromEntries(UNUSED.map((name) => [name, describe({}, NO_EFFECT)])),
    },
  },
  TextCompletion: answer({ ...head, choices, usage: ref('ChatUsage') }, ['provider', 'usage']),
  TextCompletionChunk: answer(
    {
      ...head,
      choices,
      usage: describe(ref('ChatUsage'), 'In the last chunk before `[DONE]`, which has no choices'),
      error: describe({ type: 'object' }, 'In the last chunk of a stream that broke'),
    },
    ['provider', 'usage', 'error'],
  ),
};
