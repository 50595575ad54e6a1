// The message of a call that does not stream: https://docs.anthropic.com/en/api/messages
import type { Reply } from '../../reply/plan-reply.js';
import { signatureOf } from '../../reply/sign.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead } from '../dialect.js';
import { objectOf } from '../read-fields.js';
import { stopWord, toolUseId } from './stop-word.js';
import { messagesUsage } from './write-usage.js';

export const writeMessage = (head: AnswerHead, reply: Reply, script: Script): string =>
  JSON.stringify({
    id: head.id,
    type: 'message',
    role: 'assistant',
    model: head.model,
    content: [
      ...(reply.reasoning === ''
        ? []
        : [{ type: 'thinking', thinking: reply.reasoning, signature: signatureOf(reply.reasoning) }]),
      ...(reply.text === '' ? [] : [{ type: 'text', text: reply.text }]),
      ...reply.toolCalls.map((toolCall) => ({
        type: 'tool_use',
        id: toolUseId(toolCall),
        name: toolCall.name,
        input: JSON.parse(objectOf(toolCall.argumentsJson)) as unknown,
      })),
    ],
    stop_reason: script.fail === 'no-finish' ? null : stopWord(reply.finish),
    stop_sequence: null,
    usage: messagesUsage(reply, script.usage),
  });
