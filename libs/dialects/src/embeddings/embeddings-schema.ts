// The wire shapes of embeddings, for the reference document.
import { COUNT, JOB_FIELDS, NO_STREAM, TOLERANT, USD } from '../jobs/job-schema.js';
import { answer, describe, integer, oneOfWords, ref, text, word, type SchemaData } from '../schema/schema-data.js';
import { INPUTS_MAX } from './measure-input.js';

const someText = { type: 'string', minLength: 1 } as const;
const tokens = { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } } as const;
const many = (items: SchemaData): SchemaData => ({ type: 'array', minItems: 1, maxItems: INPUTS_MAX, items });
const parts = {
  type: 'object',
  required: ['content'],
  properties: { content: { type: 'array', minItems: 1, items: ref('ChatContentPart') } },
} as const;

export const EMBEDDINGS_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  EmbeddingsRequest: {
    type: 'object',
    description: TOLERANT,
    required: ['input'],
    properties: {
      ...JOB_FIELDS,
      input: {
        description: 'A text, a list of tokens, or several of either, or of objects with content of several kinds',
        anyOf: [someText, tokens, many(someText), many(tokens), many(parts)],
      },
      dimensions: integer(1, 65_536),
      encoding_format: oneOfWords('float', 'base64'),
      input_type: describe(text({ minLength: 1, maxLength: 64 }), 'Such as `search_query` or `search_document`'),
      stream: NO_STREAM,
    },
  },
  Embeddings: answer(
    {
      id: { type: 'string', description: 'Of the generation' },
      object: word('list'),
      model: { type: 'string' },
      data: {
        type: 'array',
        items: answer({
          object: word('embedding'),
          index: COUNT,
          embedding: {
            description: 'Numbers, or base64 of 32-bit floats, little endian',
            oneOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }],
          },
        }),
      },
      usage: answer(
        {
          prompt_tokens: COUNT,
          total_tokens: COUNT,
          prompt_tokens_details: { type: 'object', description: 'By modality, where there are two or more' },
          cost: USD,
          is_byok: { type: 'boolean' },
          cost_details: answer({
            upstream_inference_cost: { type: ['number', 'null'] },
            upstream_inference_prompt_cost: USD,
            upstream_inference_completions_cost: USD,
          }),
        },
        ['prompt_tokens_details'],
      ),
    },
    ['usage'],
  ),
};
