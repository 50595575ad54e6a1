// The response object, its items and its usage: https://platform.openai.com/docs/api-reference/responses/object
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import { sealedState } from '../../reply/sign.js';
import { toldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead } from '../dialect.js';
import type { ResponseTerms } from './read-responses-call.js';

type Json = Readonly<Record<string, unknown>>;

/** Ids of items tell what they are. */
export const itemId = (head: AnswerHead, prefix: 'rs' | 'msg' | 'fc', index: number): string =>
  `${prefix}_${head.id.slice(head.id.indexOf('-') + 1)}-${index}`;

/** A summary stands for the reasoning, where it is asked for; the reasoning itself comes sealed. */
export const reasoningItem = (id: string, reply: Reply, terms: ResponseTerms, whole: boolean): Json => ({
  id,
  type: 'reasoning',
  ...(terms.encrypted ? { encrypted_content: sealedState(reply.reasoning) } : {}),
  summary: terms.summary && whole ? [{ type: 'summary_text', text: reply.reasoning }] : [],
});

export const textPart = (text: string): Json => ({ type: 'output_text', annotations: [], logprobs: [], text });

export const messageItem = (id: string, status: string, text: string | undefined): Json => ({
  id,
  type: 'message',
  status,
  content: text === undefined ? [] : [textPart(text)],
  role: 'assistant',
});

export const callItem = (id: string, status: string, { id: callId, name }: ToolCall, argumentsJson: string): Json => ({
  id,
  type: 'function_call',
  status,
  arguments: argumentsJson,
  call_id: callId,
  name,
});

const usageOf = (reply: Reply, mode: Script['usage']): Json | null => {
  const told = toldUsage(reply, mode);
  if (told === undefined) return null;
  return {
    input_tokens: told.prompt,
    input_tokens_details: { cached_tokens: told.cached },
    output_tokens: told.completion,
    output_tokens_details: { reasoning_tokens: told.reasoning },
    total_tokens: told.prompt + told.completion,
  };
};

const STATES = {
  stop: { status: 'completed', incomplete_details: null },
  'tool-calls': { status: 'completed', incomplete_details: null },
  length: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
  filter: { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
} as const;

export const responseObject = (head: AnswerHead, terms: ResponseTerms, more: Json): Json => ({
  id: head.id,
  object: 'response',
  created_at: head.createdS,
  background: false,
  error: null,
  incomplete_details: null,
  model: head.model,
  output: [],
  usage: null,
  ...terms.echo,
  ...more,
});

export const endedResponse = (
  head: AnswerHead,
  terms: ResponseTerms,
  reply: Reply,
  script: Script,
  output: readonly Json[],
): Json => responseObject(head, terms, { ...STATES[reply.finish], output, usage: usageOf(reply, script.usage) });

export const writeResponse = (head: AnswerHead, terms: ResponseTerms, reply: Reply, script: Script): string => {
  const output: Json[] = [];
  if (reply.reasoning !== '') output.push(reasoningItem(itemId(head, 'rs', 0), reply, terms, true));
  const status = STATES[reply.finish].status;
  if (reply.text !== '') output.push(messageItem(itemId(head, 'msg', output.length), status, reply.text));
  for (const toolCall of reply.toolCalls)
    output.push(callItem(itemId(head, 'fc', output.length), status, toolCall, toolCall.argumentsJson));
  const response = endedResponse(head, terms, reply, script, output);
  return JSON.stringify(script.fail === 'no-finish' ? { ...response, status: 'in_progress' } : response);
};
