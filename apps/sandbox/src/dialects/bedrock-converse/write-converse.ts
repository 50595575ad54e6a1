// Answers and the events of a stream: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
// Only blocks of tools are announced by a start; what a stream used comes last, behind the stop reason.
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import { signatureOf } from '../../reply/sign.js';
import { toldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { objectOf } from '../read-fields.js';
import { streamExceptionOf } from './exceptions.js';
import { writeEvent, writeException } from './write-event.js';

const WORDS = { stop: 'end_turn', length: 'max_tokens', 'tool-calls': 'tool_use', filter: 'content_filtered' } as const;
const METRICS = { latencyMs: 1 };
/** Real events carry a padding of changing length against guessing at their content. */
const PADDING = 'abcdefghijklmnopqrstuvwxyz';

const toolUseId = ({ id }: ToolCall): string => id.replace(/^call_/, 'tooluse_');

/** `inputTokens` is without what the cache gave: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
const usageOf = (reply: Reply, mode: Script['usage']): Readonly<Record<string, number>> | undefined => {
  const told = toldUsage(reply, mode);
  if (told === undefined) return undefined;
  const { prompt, cached, written, completion } = told;
  const inputTokens = cached + written === 0 ? prompt : Math.max(0, prompt - cached - written);
  return {
    inputTokens,
    outputTokens: completion,
    totalTokens: inputTokens + cached + written + completion,
    cacheReadInputTokens: cached,
    cacheWriteInputTokens: written,
  };
};

export const writeConverse = (_head: AnswerHead, reply: Reply, script: Script): string =>
  JSON.stringify({
    output: {
      message: {
        role: 'assistant',
        content: [
          ...(reply.reasoning === ''
            ? []
            : [
                {
                  reasoningContent: {
                    reasoningText: { text: reply.reasoning, signature: signatureOf(reply.reasoning) },
                  },
                },
              ]),
          ...(reply.text === '' ? [] : [{ text: reply.text }]),
          ...reply.toolCalls.map((toolCall) => ({
            toolUse: {
              toolUseId: toolUseId(toolCall),
              name: toolCall.name,
              input: JSON.parse(objectOf(toolCall.argumentsJson)) as unknown,
            },
          })),
        ],
      },
    },
    ...(script.fail === 'no-finish' ? {} : { stopReason: WORDS[reply.finish] }),
    usage: usageOf(reply, script.usage),
    metrics: METRICS,
  });

export const createConverseStreamEncoder = (_head: AnswerHead, reply: Reply, script: Script): StreamEncoder => {
  let index = -1;
  let open: 'reasoning' | 'text' | 'tool' | undefined;
  let sent = 0;

  const event = (type: string, payload: Readonly<Record<string, unknown>>): string => {
    sent += 1;
    return writeEvent(type, { ...payload, p: PADDING.slice(0, 4 + (sent % 20)) });
  };
  const delta = (value: unknown): string => event('contentBlockDelta', { contentBlockIndex: index, delta: value });
  const close = (): string => {
    if (open === undefined) return '';
    const signature =
      open === 'reasoning' ? delta({ reasoningContent: { signature: signatureOf(reply.reasoning) } }) : '';
    open = undefined;
    return signature + event('contentBlockStop', { contentBlockIndex: index });
  };
  const begin = (type: NonNullable<typeof open>): string => {
    if (open === type && type !== 'tool') return '';
    const before = close();
    index += 1;
    open = type;
    return before;
  };

  return {
    start: () => event('messageStart', { role: 'assistant' }),
    reasoning: (text) => begin('reasoning') + delta({ reasoningContent: { text } }),
    text: (text) => begin('text') + delta({ text }),
    toolCallStart: (toolCall) =>
      begin('tool') +
      event('contentBlockStart', {
        contentBlockIndex: index,
        start: { toolUse: { toolUseId: toolUseId(toolCall), name: toolCall.name } },
      }),
    toolCallArguments: (input) => delta({ toolUse: { input } }),
    finish: (reason) => close() + event('messageStop', { stopReason: WORDS[reason] }),
    usage() {
      const usage = usageOf(reply, script.usage);
      return event('metadata', { ...(usage === undefined ? {} : { usage }), metrics: METRICS });
    },
    end: () => '',
    error: (status) => writeException(streamExceptionOf(status), 'The sandbox was told to fail.'),
  };
};
