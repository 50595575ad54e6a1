// The chunks of a streamed completion. What is the same in every chunk is built once.
import type { SandboxCall } from '../../reply/call.js';
import type { Reply } from '../../reply/plan-reply.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { DONE, dataEvent } from '../frame.js';
import { finishWord } from './finish-word.js';
import { writeChatError } from './write-chat-error.js';
import { writeChatUsage } from './write-chat-usage.js';

export const createChatStreamEncoder = (
  head: AnswerHead,
  call: SandboxCall,
  reply: Reply,
  script: Script,
): StreamEncoder => {
  const open = `data: {"id":"${head.id}","object":"chat.completion.chunk","created":${head.createdS},"model":${JSON.stringify(head.model)},"system_fingerprint":"fp_sandbox","choices":[`;
  // With include_usage every chunk but the last says null; a placeholder says zeros instead.
  const told = call.streamUsage && script.usage !== 'none';
  const close = told
    ? `],"usage":${script.usage === 'placeholder' ? (writeChatUsage(reply, 'placeholder') ?? 'null') : 'null'}}\n\n`
    : ']}\n\n';
  const before = `${open}{"index":0,"delta":`;
  const after = `,"logprobs":null,"finish_reason":null}${close}`;
  const delta = (json: string): string => `${before}${json}${after}`;
  let calls = 0;
  return {
    start: () => delta('{"role":"assistant","content":"","refusal":null}'),
    reasoning: (text) => delta(`{"${script.reasoningField}":${JSON.stringify(text)}}`),
    text: (text) => delta(`{"content":${JSON.stringify(text)}}`),
    toolCallStart({ name, id }) {
      calls += 1;
      return delta(
        `{"tool_calls":[{"index":${calls - 1},"id":"${id}","type":"function","function":{"name":${JSON.stringify(name)},"arguments":""}}]}`,
      );
    },
    toolCallArguments: (text) =>
      delta(`{"tool_calls":[{"index":${calls - 1},"function":{"arguments":${JSON.stringify(text)}}}]}`),
    finish: (reason) => `${before}{},"logprobs":null,"finish_reason":"${finishWord(reason)}"}${close}`,
    usage: () =>
      told && script.usage !== 'placeholder'
        ? `${open}],"usage":${writeChatUsage(reply, script.usage) ?? 'null'}}\n\n`
        : '',
    end: () => DONE,
    error: (status) => dataEvent(writeChatError(status, 'The sandbox was told to fail.')),
  };
};
