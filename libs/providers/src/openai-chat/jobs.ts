// Embeddings and rerank as OpenAI's followers have them: the client's bytes pass. Rerank is not OpenAI's: Jina's, Together's, vLLM's and our own shape is one.
// https://platform.openai.com/docs/api-reference/embeddings/create, https://docs.together.ai/reference/rerank-1, https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
import { EMBEDDINGS_FIELDS, RERANK_FIELDS } from '@waystation/dialects';
import { documentsOf } from '../jobs/rerank-documents.js';
import { fieldsOf, jobUpstream, passingBody } from '../jobs/job-request.js';
import { readEmbeddings } from '../jobs/read-embeddings.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { Losses } from '../losses.js';
import type { Job, Quirks } from '../spec.js';

const pathOf = (quirks: Quirks, quirk: string, usual: string): string => {
  const path = quirks[quirk];
  return typeof path === 'string' ? path : usual;
};

const embed: Job = (request) => {
  const { quirks } = request;
  const losses = new Losses();
  // OpenAI refuses what it does not know.
  const leftOut = (field: string): boolean => {
    if (field !== 'input_type' || quirks['takesInputType'] === true) return false;
    losses.leaveOut(field);
    return true;
  };
  const body = passingBody(request, EMBEDDINGS_FIELDS, leftOut);
  return {
    upstream: jobUpstream(pathOf(quirks, 'embeddingsPath', '/embeddings'), body, losses.warnings),
    readAnswer: readEmbeddings,
  };
};

const rank: Job = (request) => ({
  upstream: jobUpstream(
    pathOf(request.quirks, 'rerankPath', '/rerank'),
    passingBody(request, RERANK_FIELDS, () => false),
    [],
  ),
  ...rerankAnswer(documentsOf(fieldsOf(request)['documents'])),
});

export const chatJobs: ReadonlyMap<string, Job> = new Map([
  ['embeddings', embed],
  ['rerank', rank],
]);
