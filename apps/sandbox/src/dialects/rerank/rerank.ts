// Reranking, as Cohere has it (https://docs.cohere.com/reference/rerank) and as Jina has it (https://jina.ai/reranker): the same request, answers of different shape.
import { relevanceOf } from '../../reply/vector.js';
import { toldUsage } from '../../reply/told-usage.js';
import { writeCohereError } from '../cohere/write-chat.js';
import { BadCall, noStream, type Dialect, type Received } from '../dialect.js';
import { embeddingCall } from '../embeddings/embedding-call.js';
import { isRecord, readBody, readModel, readOverrides, readWhole } from '../read-fields.js';

const DOCUMENTS_MAX = 10_000;
/** https://docs.cohere.com/docs/how-does-cohere-pricing-work: a query with up to so many documents is one search unit. */
const DOCUMENTS_PER_UNIT = 100;

interface Result {
  readonly index: number;
  readonly relevance_score: number;
}

const textOf = (document: unknown, index: number): string => {
  const text = isRecord(document) ? document['text'] : document;
  if (typeof text !== 'string') throw new BadCall(400, `invalid request: documents[${index}] must be a text.`);
  return text;
};

const readRerank = ({ body: given }: Received) => {
  const body = readBody(given);
  const { query, documents } = body;
  if (typeof query !== 'string' || query === '') throw new BadCall(400, 'invalid request: query must be a text.');
  if (!Array.isArray(documents) || documents.length === 0 || documents.length > DOCUMENTS_MAX)
    throw new BadCall(400, `invalid request: from 1 to ${DOCUMENTS_MAX} documents.`);
  const texts = documents.map(textOf);
  const top = readWhole(body, 'top_n', 1) ?? texts.length;
  const results: Result[] = texts
    .map((text, index) => ({ index, relevance_score: relevanceOf(query, text) }))
    .sort((one, other) => other.relevance_score - one.relevance_score || one.index - other.index)
    .slice(0, top);
  const messages = [query, ...texts].map((text) => ({ role: 'user', text, mediaParts: 0 }));
  return {
    call: {
      ...embeddingCall(readModel(body), messages, readOverrides(body)),
      searchUnits: Math.ceil(texts.length / DOCUMENTS_PER_UNIT),
    },
    texts,
    results,
    withDocuments: body['return_documents'] !== false,
  };
};

export const cohereRerank: Dialect = {
  name: 'cohere-rerank',
  paths: ['/v2/rerank'],
  idPrefix: 'rerank',
  generates: false,
  readCall(received) {
    const { call, results } = readRerank(received);
    return {
      call,
      stream: noStream,
      completion: (head, _reply, script) =>
        JSON.stringify({
          id: head.id,
          results,
          meta: {
            api_version: { version: '2' },
            ...(script.usage === 'none' ? {} : { billed_units: { search_units: call.searchUnits } }),
          },
        }),
    };
  },
  error: writeCohereError,
};

export const rerank: Dialect = {
  name: 'rerank',
  paths: ['/v1/rerank', '/rerank'],
  idPrefix: 'rerank',
  generates: false,
  readCall(received) {
    const { call, texts, results, withDocuments } = readRerank(received);
    return {
      call,
      stream: noStream,
      completion(head, reply, script) {
        const told = toldUsage(reply, script.usage);
        return JSON.stringify({
          model: head.model,
          ...(told === undefined ? {} : { usage: { total_tokens: told.prompt } }),
          results: results.map((result) =>
            withDocuments ? { ...result, document: { text: texts[result.index] } } : result,
          ),
        });
      },
    };
  },
  error: (_status, message) => JSON.stringify({ detail: message }),
};
