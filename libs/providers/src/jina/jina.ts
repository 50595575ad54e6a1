// Jina AI: embeddings of text or images, and rerank of both. It holds no conversations. https://api.jina.ai/redoc
import { cannotTake, embeddingsInput, type EmbeddingsInput } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { readEmbeddings } from '../jobs/read-embeddings.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { documentsOf } from '../jobs/rerank-documents.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import { parseProviderError } from '../provider-error.js';
import type { Job, ProviderDialect } from '../spec.js';

/** https://jina.ai/embeddings: what a vector is for. Other words are the model's own and go on as they are. */
const TASKS: Readonly<Record<string, string>> = {
  search_query: 'retrieval.query',
  query: 'retrieval.query',
  search_document: 'retrieval.passage',
  document: 'retrieval.passage',
  passage: 'retrieval.passage',
  clustering: 'separation',
};

const taskOf = (told: unknown): string | undefined => (typeof told === 'string' ? (TASKS[told] ?? told) : undefined);

/** Data goes without its head. */
const withoutHead = (url: string): string => (url.startsWith('data:') ? url.slice(url.indexOf(',') + 1) : url);

const inputJson = (input: EmbeddingsInput): readonly unknown[] => {
  if (input.kind === 'texts') return input.texts;
  return input.inputs.map((parts, index) => {
    const [only] = parts;
    if (only === undefined || parts.length > 1)
      throw cannotTake(`input[${index}].content`, 'takes one text or one image an input');
    return only.type === 'text' ? { text: only.text } : { image: withoutHead(only.url) };
  });
};

const embed: Job = (request) => {
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'input', 'dimensions', 'encoding_format', 'input_type'], fields, losses);
  const body = {
    model: request.upstreamModel,
    input: inputJson(embeddingsInput(fields['input'])),
    ...present({
      task: taskOf(fields['input_type']),
      embedding_type: fields['encoding_format'] ?? undefined,
      dimensions: fields['dimensions'] ?? undefined,
    }),
  };
  return {
    upstream: jobUpstream('/embeddings', Buffer.from(JSON.stringify(body)), losses.warnings),
    readAnswer: readEmbeddings,
  };
};

const rank: Job = (request) => {
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'query', 'documents', 'top_n'], fields, losses);
  const documents = documentsOf(fields['documents']);
  const body = {
    model: request.upstreamModel,
    query: fields['query'],
    documents,
    // The client gets its own documents back, without a second copy on the way.
    return_documents: false,
    ...present({ top_n: fields['top_n'] ?? undefined }),
  };
  return {
    upstream: jobUpstream('/rerank', Buffer.from(JSON.stringify(body)), losses.warnings),
    ...rerankAnswer(documents),
  };
};

export const jina: ProviderDialect = {
  name: 'jina',
  parseError: parseProviderError,
  jobs: new Map([
    ['embeddings', embed],
    ['rerank', rank],
  ]),
};
