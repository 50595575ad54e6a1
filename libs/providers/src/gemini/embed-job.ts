// Embeddings at AI Studio, all inputs in one request. https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
// Vertex AI embeds by another method, `predict`: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
import { cannotTake, embeddingsInput, type EmbeddingsInput, type InputPart } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { writeEmbeddings } from '../jobs/write-embeddings.js';
import { isRecord, present, recordsOf } from '../json-shape.js';
import { Losses } from '../losses.js';
import { parseInBandError } from '../provider-error.js';
import type { Job } from '../spec.js';
import { convertUsage } from './convert-usage.js';

/** https://ai.google.dev/api/embeddings#v1beta.TaskType, and the words that others have for them */
const TASK_TYPES: Readonly<Record<string, string>> = {
  search_query: 'RETRIEVAL_QUERY',
  query: 'RETRIEVAL_QUERY',
  search_document: 'RETRIEVAL_DOCUMENT',
  document: 'RETRIEVAL_DOCUMENT',
  passage: 'RETRIEVAL_DOCUMENT',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
  semantic_similarity: 'SEMANTIC_SIMILARITY',
  question_answering: 'QUESTION_ANSWERING',
  fact_verification: 'FACT_VERIFICATION',
  code_retrieval_query: 'CODE_RETRIEVAL_QUERY',
};

const taskTypeOf = (told: unknown, losses: Losses): string | undefined => {
  if (typeof told !== 'string') return undefined;
  const word = told.toLowerCase();
  const known = Object.hasOwn(TASK_TYPES, word) ? TASK_TYPES[word] : undefined;
  const own = Object.values(TASK_TYPES).find((type) => type === told);
  if (known === undefined && own === undefined) losses.leaveOut('input_type');
  return known ?? own;
};

const DATA_URL = /^data:([^;,]{1,128});base64,/;

const partJson = (part: InputPart): object => {
  if (part.type === 'text') return { text: part.text };
  const head = DATA_URL.exec(part.url.slice(0, 256));
  if (head === null) throw cannotTake('input', 'takes images as data URLs only');
  return { inlineData: { mimeType: head[1], data: part.url.slice(head[0].length) } };
};

const contentsOf = (input: EmbeddingsInput): object[] =>
  input.kind === 'texts'
    ? input.texts.map((text) => ({ parts: [{ text }] }))
    : input.inputs.map((parts) => ({ parts: parts.map(partJson) }));

export const embedJob: Job = (request) => {
  const { upstreamModel } = request;
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'input', 'dimensions', 'encoding_format', 'input_type'], fields, losses);
  const model = upstreamModel.includes('/') ? upstreamModel : `models/${upstreamModel}`;
  const contents = contentsOf(embeddingsInput(fields['input']));
  const asked = present({
    taskType: taskTypeOf(fields['input_type'], losses),
    outputDimensionality: fields['dimensions'] ?? undefined,
  });
  const body = { requests: contents.map((content) => ({ model, content, ...asked })) };
  const wanted = { count: contents.length, base64: fields['encoding_format'] === 'base64' };
  return {
    upstream: jobUpstream(`/${model}:batchEmbedContents`, Buffer.from(JSON.stringify(body)), losses.warnings),
    readAnswer(bytes, terms) {
      const value: unknown = JSON.parse(bytes.toString('utf8'));
      if (!isRecord(value)) return undefined;
      if (isRecord(value['error'])) return parseInBandError(bytes.toString('utf8'), terms);
      const vectors = recordsOf(value['embeddings']).map(({ values }) => values);
      const told = convertUsage(value['usageMetadata']);
      const usage = told === undefined ? undefined : present({ ...told, output: undefined });
      return writeEmbeddings(vectors, wanted, terms, usage);
    },
  };
};
