// Answers and the events of a stream: https://docs.cohere.com/reference/chat-stream
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import { toldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { DONE, namedEvent } from '../frame.js';

type Json = Readonly<Record<string, unknown>>;

const WORDS = { stop: 'COMPLETE', length: 'MAX_TOKENS', 'tool-calls': 'TOOL_CALL', filter: 'ERROR' } as const;

export const writeCohereError = (_status: number, message: string): string => JSON.stringify({ message });

const usageOf = (reply: Reply, mode: Script['usage']): Json => {
  const told = toldUsage(reply, mode);
  if (told === undefined) return {};
  const tokens = { input_tokens: told.prompt, output_tokens: told.completion };
  return { usage: { billed_units: tokens, tokens, cached_tokens: told.cached } };
};

const callOf = ({ id, name }: ToolCall, argumentsJson: string): Json => ({
  id: id.replace(/^call/, name),
  type: 'function',
  function: { name, arguments: argumentsJson },
});

export const writeCohereChat = (head: AnswerHead, reply: Reply, script: Script): string => {
  const content = [
    ...(reply.reasoning === '' ? [] : [{ type: 'thinking', thinking: reply.reasoning }]),
    ...(reply.text === '' ? [] : [{ type: 'text', text: reply.text }]),
  ];
  const calls = reply.toolCalls.map((toolCall) => callOf(toolCall, toolCall.argumentsJson));
  return JSON.stringify({
    id: head.id,
    message: {
      role: 'assistant',
      ...(content.length === 0 ? {} : { content }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    ...(script.fail === 'no-finish' ? {} : { finish_reason: WORDS[reply.finish] }),
    ...usageOf(reply, script.usage),
  });
};

export const createCohereStreamEncoder = (head: AnswerHead, reply: Reply, script: Script): StreamEncoder => {
  let blocks = 0;
  let calls = 0;
  let open: 'thinking' | 'text' | 'call' | undefined;
  let finish: string | undefined;

  const event = (type: string, members: Json): string => namedEvent(type, JSON.stringify({ type, ...members }));
  const close = (): string => {
    const was = open;
    open = undefined;
    if (was === undefined) return '';
    return was === 'call' ? event('tool-call-end', { index: calls - 1 }) : event('content-end', { index: blocks - 1 });
  };
  const content = (type: 'thinking' | 'text', said: string): string => {
    let before = '';
    if (open !== type) {
      before = close();
      open = type;
      before += event('content-start', { index: blocks, delta: { message: { content: { type, [type]: '' } } } });
      blocks += 1;
    }
    return before + event('content-delta', { index: blocks - 1, delta: { message: { content: { [type]: said } } } });
  };

  return {
    start: () =>
      event('message-start', {
        id: head.id,
        delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } },
      }),
    reasoning: (said) => content('thinking', said),
    text: (said) => content('text', said),
    toolCallStart(toolCall) {
      const before = close();
      open = 'call';
      calls += 1;
      return (
        before +
        event('tool-call-start', { index: calls - 1, delta: { message: { tool_calls: callOf(toolCall, '') } } })
      );
    },
    toolCallArguments: (said) =>
      event('tool-call-delta', {
        index: calls - 1,
        delta: { message: { tool_calls: { function: { arguments: said } } } },
      }),
    finish(reason) {
      finish = WORDS[reason];
      return close();
    },
    usage: () => event('message-end', { delta: { finish_reason: finish, ...usageOf(reply, script.usage) } }),
    // Cohere's own client reads up to this: https://github.com/cohere-ai/cohere-typescript/blob/main/src/api/resources/v2/client/Client.ts
    end: () => DONE,
    error: () => event('message-end', { delta: { finish_reason: 'ERROR', error: 'The sandbox was told to fail.' } }),
  };
};
