// Rerankers at Bedrock: Amazon's and Cohere's take one request by InvokeModel, at the address of Converse (the Rerank API has another host).
// https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-use.html, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { documentsOf, textDocuments } from '../jobs/rerank-documents.js';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Job } from '../spec.js';
import { encodeAws } from './sign-aws.js';

/** Cohere's wants it, Amazon's does not know it. */
const COHERE = { prefix: /(^|[./])cohere\./, apiVersion: 2 } as const;

export const rerankJob: Job = (request) => {
  const { upstreamModel } = request;
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'query', 'documents', 'top_n'], fields, losses);
  const documents = documentsOf(fields['documents']);
  const body = {
    query: fields['query'],
    documents: textDocuments(documents),
    ...present({
      top_n: fields['top_n'] ?? undefined,
      api_version: COHERE.prefix.test(upstreamModel) ? COHERE.apiVersion : undefined,
    }),
  };
  return {
    upstream: jobUpstream(
      `/model/${encodeAws(upstreamModel)}/invoke`,
      Buffer.from(JSON.stringify(body)),
      losses.warnings,
    ),
    ...rerankAnswer(documents),
  };
};
