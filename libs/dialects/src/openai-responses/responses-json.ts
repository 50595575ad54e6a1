// The response object, and the end of an answer with the bill in it. `usage` is always the last member of the response, so that a stream's last event can wait for the bill
// with its closing braces alone. Shapes: https://platform.openai.com/docs/api-reference/responses/object and the reference API, section 4.1.
import { formatUsd } from '@waystation/contracts';
import { inputTokens, outputTokens } from '@waystation/generation';
import { editMembers } from '../json/edit-members.js';
import { scanTopLevelFields } from '../json/scan-top-level.js';
import { metadataMember, type ChatAnswer, type ChatBill } from '../openai-chat/write-chat-response.js';
import { namedEvent } from '../sse.js';
import { NO_ECHO } from './echo-request.js';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export interface ResponseHead {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly model: string;
  readonly provider?: string | undefined;
  /** What is said again of the request (`echo-request.ts`). */
  readonly echo?: string | undefined;
}

export interface ResponseParts {
  readonly status: ResponseStatus;
  /** Unix seconds, of a response that is whole. */
  readonly completedAt?: number | undefined;
  readonly output?: readonly unknown[];
  readonly incompleteReason?: string | undefined;
  readonly error?: { readonly code: string; readonly message: string };
  readonly errorType?: string;
}

/** A response as JSON, without usage. */
export const responseJson = (
  { id, createdAt, model, provider, echo = NO_ECHO }: ResponseHead,
  { status, completedAt, output = [], incompleteReason, error, errorType }: ResponseParts,
): string => {
  const own = JSON.stringify({
    id,
    object: 'response',
    created_at: createdAt,
    completed_at: completedAt ?? null,
    status,
    ...(errorType === undefined ? {} : { error_type: errorType }),
    error: error ?? null,
    incomplete_details: incompleteReason === undefined ? null : { reason: incompleteReason },
    model,
    ...(provider === undefined ? {} : { provider }),
    output,
  });
  return `${own.slice(0, -1)},${echo}}`;
};

/** An event that carries a whole response, without usage. */
export const responseEvent = (type: string, sequence: number, json: string): string =>
  namedEvent(type, `{"type":"${type}","sequence_number":${sequence},"response":${json}}`);

export const responsesUsageJson = ({ usage, cost, promptCost, completionCost, byok }: ChatBill): string => {
  const count = (name: string): number => usage[name] ?? 0;
  const [input, output] = [inputTokens(usage), outputTokens(usage)];
  return (
    `{"input_tokens":${input},"input_tokens_details":{"cached_tokens":${count('cacheRead')},"cache_write_tokens":${count('cacheWrite') + count('cacheWrite1h')}}` +
    `,"output_tokens":${output},"output_tokens_details":{"reasoning_tokens":${count('reasoning')}},"total_tokens":${input + output}` +
    `,"cost":${formatUsd(cost)},"is_byok":${byok}` +
    `,"cost_details":{"upstream_inference_cost":${byok ? formatUsd(promptCost + completionCost) : 'null'}` +
    `,"upstream_inference_input_cost":${formatUsd(promptCost)},"upstream_inference_output_cost":${formatUsd(completionCost)}}}`
  );
};

export const RESPONSES_DONE = 'data: [DONE]\n\n';

/** How the last event ends: the response, and the event around it. */
const CLOSE = '}}\n\n';

/** The last event of a stream (or its end, where the rest is out already), with the bill as the response's usage, and the end marker. */
export const responsesStreamEnd = (answer: ChatAnswer, tail: string, bill: ChatBill | undefined): string => {
  if (!tail.endsWith(CLOSE)) return tail + RESPONSES_DONE;
  const usage = bill === undefined ? 'null' : responsesUsageJson(bill);
  return `${tail.slice(0, -CLOSE.length)},"usage":${usage}${metadataMember(answer)}${CLOSE}${RESPONSES_DONE}`;
};

const USAGE: ReadonlySet<string> = new Set(['usage']);

/** A whole answer with the bill as its usage; as it is while the bill is not known. Undefined where the bytes are no JSON object. */
export const withResponsesUsage = (body: Buffer, bill: ChatBill | undefined): Buffer | undefined => {
  const spans = scanTopLevelFields(body, USAGE);
  if (spans === undefined || bill === undefined) return spans === undefined ? undefined : body;
  const json = responsesUsageJson(bill);
  const last = spans.at(-1);
  return last === undefined
    ? editMembers(body, { insert: [{ key: 'usage', json }] })
    : editMembers(body, { replace: [{ span: last, json }] });
};
