// The events of a streamed message: https://docs.anthropic.com/en/docs/build-with-claude/streaming
// Blocks come one after the other; a block of thinking ends with its signature. Stop reason and usage come together.
import type { Reply } from '../../reply/plan-reply.js';
import { signatureOf } from '../../reply/sign.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { namedEvent } from '../frame.js';
import { stopWord, toolUseId } from './stop-word.js';
import { writeMessagesError } from './write-error.js';
import { messagesUsage } from './write-usage.js';

const event = (type: string, members: Readonly<Record<string, unknown>>): string =>
  namedEvent(type, JSON.stringify({ type, ...members }));

type BlockType = 'thinking' | 'text' | 'tool_use';

export const createMessageStreamEncoder = (head: AnswerHead, reply: Reply, script: Script): StreamEncoder => {
  let index = -1;
  let open: BlockType | undefined;
  let stopReason: string | undefined;

  const delta = (type: string, member: string, text: string): string =>
    namedEvent(
      'content_block_delta',
      `{"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${member}":${JSON.stringify(text)}}}`,
    );
  const closeBlock = (): string => {
    if (open === undefined) return '';
    const signature = open === 'thinking' ? delta('signature_delta', 'signature', signatureOf(reply.reasoning)) : '';
    open = undefined;
    return signature + event('content_block_stop', { index });
  };
  const openBlock = (type: BlockType, block: Readonly<Record<string, unknown>>): string => {
    const before = closeBlock();
    index += 1;
    open = type;
    const ping = index === 0 ? event('ping', {}) : '';
    return before + event('content_block_start', { index, content_block: { type, ...block } }) + ping;
  };

  return {
    start: () =>
      event('message_start', {
        message: {
          id: head.id,
          type: 'message',
          role: 'assistant',
          model: head.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: messagesUsage(reply, script.usage, true),
        },
      }),
    reasoning: (text) =>
      (open === 'thinking' ? '' : openBlock('thinking', { thinking: '', signature: '' })) +
      delta('thinking_delta', 'thinking', text),
    text: (text) => (open === 'text' ? '' : openBlock('text', { text: '' })) + delta('text_delta', 'text', text),
    toolCallStart: (toolCall) =>
      openBlock('tool_use', { id: toolUseId(toolCall), name: toolCall.name, input: {} }) +
      delta('input_json_delta', 'partial_json', ''),
    toolCallArguments: (text) => delta('input_json_delta', 'partial_json', text),
    finish(reason) {
      stopReason = stopWord(reason);
      return closeBlock();
    },
    usage: () =>
      event('message_delta', {
        delta: { stop_reason: stopReason, stop_sequence: null },
        usage: messagesUsage(reply, script.usage),
      }),
    end: () => event('message_stop', {}),
    error: (status) => namedEvent('error', writeMessagesError(status, 'The sandbox was told to fail.')),
  };
};
