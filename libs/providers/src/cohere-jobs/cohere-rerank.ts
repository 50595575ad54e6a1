// Cohere's reranker, paid by the search unit. https://docs.cohere.com/reference/rerank
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { documentsOf, textDocuments } from '../jobs/rerank-documents.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Job } from '../spec.js';

export const cohereRerank: Job = (request) => {
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'query', 'documents', 'top_n'], fields, losses);
  const documents = documentsOf(fields['documents']);
  const body = {
    model: request.upstreamModel,
    query: fields['query'],
    documents: textDocuments(documents),
    ...present({ top_n: fields['top_n'] ?? undefined }),
  };
  return {
    upstream: jobUpstream('/rerank', Buffer.from(JSON.stringify(body)), losses.warnings),
    ...rerankAnswer(documents),
  };
};
