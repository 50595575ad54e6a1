// The end of a Messages answer, and the bill in it. `usage` counts as Anthropic does: cached tokens beside `input_tokens`, thinking inside of `output_tokens`.
// Costs are number literals of USD, exact to the picodollar. Shapes: the reference API, section 4.2.
import { formatUsd } from '@waystation/contracts';
import { outputTokens } from '@waystation/generation';
import { editMembers } from '../json/edit-members.js';
import { putUsage } from '../json/put-usage.js';
import type { ChatAnswer, ChatBill } from '../openai-chat/write-chat-response.js';
import { namedEvent } from '../sse.js';

export const messagesUsageJson = ({ usage, cost, promptCost, completionCost, byok }: ChatBill): string => {
  const count = (name: string): number => usage[name] ?? 0;
  const anHour = count('cacheWrite1h');
  const written = count('cacheWrite') + anHour;
  return (
    `{"input_tokens":${count('input') + count('audioInput') + count('imageInput')},"output_tokens":${outputTokens(usage)}` +
    `,"cache_creation_input_tokens":${written},"cache_read_input_tokens":${count('cacheRead')}` +
    `,"cache_creation":{"ephemeral_5m_input_tokens":${count('cacheWrite')},"ephemeral_1h_input_tokens":${anHour}}` +
    (count('searches') === 0 ? '' : `,"server_tool_use":{"web_search_requests":${count('searches')}}`) +
    `,"cost":${formatUsd(cost)},"is_byok":${byok}` +
    `,"cost_details":{"upstream_inference_cost":${byok ? formatUsd(promptCost + completionCost) : 'null'}` +
    `,"upstream_inference_prompt_cost":${formatUsd(promptCost)},"upstream_inference_completions_cost":${formatUsd(completionCost)}}}`
  );
};

/** The closing events, without usage. */
export const messagesEnd = (stopReason: string): string =>
  namedEvent(
    'message_delta',
    `{"type":"message_delta","delta":{"stop_reason":${JSON.stringify(stopReason)},"stop_sequence":null},"usage":{"output_tokens":0}}`,
  ) + namedEvent('message_stop', '{"type":"message_stop"}');

const DELTA = 'event: message_delta\ndata: ';
const STOP = 'event: message_stop\ndata: ';

/** The last event that begins so, its data edited. */
const editLast = (tail: string, begins: string, edit: (json: Buffer) => Buffer | undefined): string => {
  const start = tail.lastIndexOf(begins);
  if (start < 0) return tail;
  const from = start + begins.length;
  const to = tail.indexOf('\n', from);
  const edited = to < 0 ? undefined : edit(Buffer.from(tail.slice(from, to)));
  return edited === undefined ? tail : `${tail.slice(0, from)}${edited.toString()}${tail.slice(to)}`;
};

/** The tail of a stream with the bill in its `message_delta`, as it is while the bill is not known, and with how it was routed in its `message_stop`. */
export const messagesStreamEnd = ({ metadataJson }: ChatAnswer, tail: string, bill: ChatBill | undefined): string => {
  const billed = bill === undefined ? tail : editLast(tail, DELTA, (json) => putUsage(json, messagesUsageJson(bill)));
  return metadataJson === undefined
    ? billed
    : editLast(billed, STOP, (json) =>
        editMembers(json, { insert: [{ key: 'openrouter_metadata', json: metadataJson }] }),
      );
};

/** A whole answer with the bill as its usage. Undefined where the bytes are no JSON object. */
export const withMessagesUsage = (body: Buffer, bill: ChatBill | undefined): Buffer | undefined =>
  putUsage(body, bill && messagesUsageJson(bill));
