// `POST /rerank`. The reference API, section 4.3.
import { formatUsd } from '@waystation/contracts';
import { inputTokens } from '@waystation/generation';
import { jobFields, readJob } from '../jobs/read-job.js';
import { putUsage } from '../json/put-usage.js';
import { anInteger, checkOptional } from '../openai-chat/check-type.js';
import type { ChatBill } from '../openai-chat/write-chat-response.js';
import type { JobDialect } from '../public-dialect.js';
import { parseBody } from '../request/parse-body.js';
import { toDialectError } from '../to-dialect-error.js';
import { measureRerank } from './measure-rerank.js';

/** What a worker may edit. */
export const RERANK_FIELDS = jobFields();

/** What the provider counts by is told, and the exact cost. */
const rerankUsageJson = ({ usage, cost }: ChatBill): string => {
  const tokens = inputTokens(usage);
  const units = usage['searchUnits'] ?? 0;
  return `{${units === 0 ? '' : `"search_units":${units},`}${tokens === 0 ? '' : `"total_tokens":${tokens},`}"cost":${formatUsd(cost)}}`;
};

export const rerank: JobDialect = {
  name: 'rerank',
  readRequest(bytes) {
    const { value: body, spans } = parseBody(bytes, RERANK_FIELDS);
    checkOptional('top_n', body['top_n'], anInteger(1));
    const measures = measureRerank(body['query'], body['documents']);
    return readJob(body, spans, { api: 'rerank', bodyBytes: bytes.length, ...measures });
  },
  withBill: (answer, bill) => putUsage(answer, bill && rerankUsageJson(bill)),
  toError: (error) => toDialectError(error, 'openai-chat'),
};
