// The answer of a call that does not stream, as one string: nothing is built that is only serialised again.
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead } from '../dialect.js';
import { finishWord } from './finish-word.js';
import { writeChatUsage } from './write-chat-usage.js';

const toolCallJson = ({ id, name, argumentsJson }: ToolCall): string =>
  `{"id":"${id}","type":"function","function":{"name":${JSON.stringify(name)},"arguments":${JSON.stringify(argumentsJson)}}}`;

export const writeChatCompletion = (head: AnswerHead, reply: Reply, script: Script): string => {
  const calls = reply.toolCalls;
  const content = calls.length === 0 ? JSON.stringify(reply.text) : 'null';
  const reasoning = reply.reasoning === '' ? '' : `,"${script.reasoningField}":${JSON.stringify(reply.reasoning)}`;
  const toolCalls = calls.length === 0 ? '' : `,"tool_calls":[${calls.map(toolCallJson).join(',')}]`;
  const finish = script.fail === 'no-finish' ? 'null' : `"${finishWord(reply.finish)}"`;
  const usage = writeChatUsage(reply, script.usage);
  return (
    `{"id":"${head.id}","object":"chat.completion","created":${head.createdS},"model":${JSON.stringify(head.model)},` +
    `"choices":[{"index":0,"message":{"role":"assistant","content":${content},"refusal":null${reasoning}${toolCalls}},"logprobs":null,"finish_reason":${finish}}]` +
    `${usage === undefined ? '' : `,"usage":${usage}`},"system_fingerprint":"fp_sandbox"}`
  );
};
