// OpenAI's responses, as its API reference says: https://platform.openai.com/docs/api-reference/responses
import type { Dialect } from '../dialect.js';
import { writeChatError } from '../openai-chat/write-chat-error.js';
import { readResponsesCall } from './read-responses-call.js';
import { createResponseStreamEncoder } from './write-response-stream.js';
import { writeResponse } from './write-response.js';

export const openaiResponses: Dialect = {
  name: 'openai-responses',
  paths: ['/v1/responses'],
  idPrefix: 'resp',
  generates: true,
  readCall({ body }) {
    const { call, terms } = readResponsesCall(body);
    return {
      call,
      completion: (head, reply, script) => writeResponse(head, terms, reply, script),
      stream: (head, reply, script) => createResponseStreamEncoder(head, terms, reply, script),
    };
  },
  // The same as that of chat completions.
  error: writeChatError,
};
