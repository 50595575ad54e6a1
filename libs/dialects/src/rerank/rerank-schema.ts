// The wire shapes of reranking, for the reference document.
import { COUNT, JOB_FIELDS, NO_STREAM, TOLERANT, USD } from '../jobs/job-schema.js';
import { answer, integer, type SchemaData } from '../schema/schema-data.js';
import { DOCUMENTS_MAX } from './measure-rerank.js';

const someText = { type: 'string', minLength: 1 } as const;
const textOrNull = { type: ['string', 'null'], minLength: 1 } as const;

export const RERANK_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  RerankRequest: {
    type: 'object',
    description: TOLERANT,
    required: ['query', 'documents'],
    properties: {
      ...JOB_FIELDS,
      query: someText,
      documents: {
        type: 'array',
        minItems: 1,
        maxItems: DOCUMENTS_MAX,
        items: {
          anyOf: [
            someText,
            { type: 'object', required: ['text'], properties: { text: someText, image: textOrNull } },
            { type: 'object', required: ['image'], properties: { text: textOrNull, image: someText } },
          ],
        },
      },
      top_n: integer(1),
      stream: NO_STREAM,
    },
  },
  Ranking: answer(
    {
      id: { type: 'string', description: 'Of the generation' },
      model: { type: 'string' },
      provider: { type: 'string' },
      results: {
        type: 'array',
        description: 'The most relevant first',
        items: answer({
          index: { ...COUNT, description: 'Of the document in the request' },
          relevance_score: { type: 'number' },
          document: { type: 'object', properties: { text: { type: 'string' }, image: { type: 'string' } } },
        }),
      },
      usage: answer({ search_units: COUNT, total_tokens: COUNT, cost: USD }, ['search_units', 'total_tokens']),
    },
    ['usage'],
  ),
};
