// Voyage AI: embeddings of text, of text with images, and rerank. It holds no conversations. https://docs.voyageai.com/reference
import { embeddingsInput, type EmbeddingsInput, type InputPart } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { readEmbeddings } from '../jobs/read-embeddings.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { documentsOf, textDocuments } from '../jobs/rerank-documents.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import { parseProviderError } from '../provider-error.js';
import type { Job, ProviderDialect } from '../spec.js';

/** https://docs.voyageai.com/reference/embeddings-api: `query`, `document` or none. */
const INPUT_TYPES: Readonly<Record<string, string>> = {
  search_query: 'query',
  search_document: 'document',
  query: 'query',
  document: 'document',
  passage: 'document',
};

const inputTypeOf = (told: unknown, losses: Losses): string | undefined => {
  if (typeof told !== 'string') return undefined;
  const word = INPUT_TYPES[told];
  if (word === undefined) losses.leaveOut('input_type');
  return word;
};

/** https://docs.voyageai.com/reference/multimodal-embeddings-api: addresses and data under names of their own. */
const partJson = (part: InputPart): object => {
  if (part.type === 'text') return part;
  return part.url.startsWith('data:')
    ? { type: 'image_base64', image_base64: part.url }
    : { type: 'image_url', image_url: part.url };
};

const inputJson = (input: EmbeddingsInput): { path: string; members: object } =>
  input.kind === 'texts'
    ? { path: '/embeddings', members: { input: input.texts } }
    : {
        path: '/multimodalembeddings',
        members: { inputs: input.inputs.map((parts) => ({ content: parts.map(partJson) })) },
      };

const embed: Job = (request) => {
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'input', 'dimensions', 'encoding_format', 'input_type'], fields, losses);
  const { path, members } = inputJson(embeddingsInput(fields['input']));
  const body = {
    model: request.upstreamModel,
    ...members,
    ...present({
      input_type: inputTypeOf(fields['input_type'], losses),
      [path === '/embeddings' ? 'encoding_format' : 'output_encoding']:
        fields['encoding_format'] === 'base64' ? 'base64' : undefined,
      output_dimension: fields['dimensions'] ?? undefined,
    }),
  };
  return {
    upstream: jobUpstream(path, Buffer.from(JSON.stringify(body)), losses.warnings),
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
    documents: textDocuments(documents),
    ...present({ top_k: fields['top_n'] ?? undefined }),
  };
  return {
    upstream: jobUpstream('/rerank', Buffer.from(JSON.stringify(body)), losses.warnings),
    ...rerankAnswer(documents),
  };
};

export const voyage: ProviderDialect = {
  name: 'voyage',
  parseError: parseProviderError,
  jobs: new Map([
    ['embeddings', embed],
    ['rerank', rank],
  ]),
};
