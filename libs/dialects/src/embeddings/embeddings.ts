// `POST /embeddings`. https://platform.openai.com/docs/api-reference/embeddings; the reference API, section 4.3.
import { formatUsd } from '@waystation/contracts';
import { inputTokens } from '@waystation/generation';
import { jobFields, readJob } from '../jobs/read-job.js';
import { putUsage } from '../json/put-usage.js';
import { aStringOf, anInteger, checkOptional, oneOf, type Check } from '../openai-chat/check-type.js';
import type { ChatBill } from '../openai-chat/write-chat-response.js';
import type { JobDialect } from '../public-dialect.js';
import { parseBody } from '../request/parse-body.js';
import { toDialectError } from '../to-dialect-error.js';
import { measureInput } from './measure-input.js';

const DIMENSIONS_MAX = 65_536;

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['dimensions', anInteger(1, DIMENSIONS_MAX)],
  ['encoding_format', oneOf(['float', 'base64'])],
  ['input_type', aStringOf(64)],
]);

/** What a worker may edit. */
export const EMBEDDINGS_FIELDS = jobFields(['input_type']);

/** Told by modality only where there are two or more, as the reference has it. */
const byModality = ({ usage }: ChatBill): string => {
  const counts = (
    [
      ['text_tokens', usage['input']],
      ['image_tokens', usage['imageInput']],
      ['audio_tokens', usage['audioInput']],
    ] as const
  ).filter(([, count = 0]) => count > 0);
  return counts.length < 2
    ? ''
    : `,"prompt_tokens_details":{${counts.map(([name, count]) => `"${name}":${count}`).join(',')}}`;
};

/** Costs are number literals of USD, exact to the picodollar. */
const embeddingsUsageJson = (bill: ChatBill): string => {
  const { usage, cost, promptCost, completionCost, byok } = bill;
  const tokens = inputTokens(usage);
  return (
    `{"prompt_tokens":${tokens},"total_tokens":${tokens}${byModality(bill)},"cost":${formatUsd(cost)},"is_byok":${byok}` +
    `,"cost_details":{"upstream_inference_cost":${byok ? formatUsd(promptCost + completionCost) : 'null'}` +
    `,"upstream_inference_prompt_cost":${formatUsd(promptCost)},"upstream_inference_completions_cost":${formatUsd(completionCost)}}}`
  );
};

export const embeddings: JobDialect = {
  name: 'embeddings',
  readRequest(bytes) {
    const { value: body, spans } = parseBody(bytes, EMBEDDINGS_FIELDS);
    for (const [field, check] of FIELDS) checkOptional(field, body[field], check);
    const measures = measureInput(body['input'], bytes.length);
    return readJob(body, spans, { api: 'embeddings', bodyBytes: bytes.length, ...measures });
  },
  withBill: (answer, bill) => putUsage(answer, bill && embeddingsUsageJson(bill)),
  toError: (error) => toDialectError(error, 'openai-chat'),
};
