// OpenAI's chat completions, as its API reference says: https://platform.openai.com/docs/api-reference/chat
import type { Dialect } from '../dialect.js';
import { readChatCall } from './read-chat-call.js';
import { writeChatCompletion } from './write-chat-completion.js';
import { createChatStreamEncoder } from './write-chat-stream.js';
import { writeChatError } from './write-chat-error.js';

export const openaiChat: Dialect = {
  name: 'openai-chat',
  paths: ['/v1/chat/completions', '/chat/completions'],
  idPrefix: 'chatcmpl',
  generates: true,
  readCall({ body }) {
    const call = readChatCall(body);
    return {
      call,
      completion: writeChatCompletion,
      stream: (head, reply, script) => createChatStreamEncoder(head, call, reply, script),
    };
  },
  error: writeChatError,
};
