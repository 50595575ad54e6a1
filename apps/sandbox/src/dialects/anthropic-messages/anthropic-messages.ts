// Anthropic's Messages, as its documents say: https://docs.anthropic.com/en/api/messages
import type { Dialect } from '../dialect.js';
import { readMessagesCall } from './read-messages-call.js';
import { writeMessagesError } from './write-error.js';
import { createMessageStreamEncoder } from './write-message-stream.js';
import { writeMessage } from './write-message.js';

export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  paths: ['/v1/messages'],
  idPrefix: 'msg',
  generates: true,
  readCall: (received) => ({
    call: readMessagesCall(received),
    completion: writeMessage,
    stream: createMessageStreamEncoder,
  }),
  error: writeMessagesError,
  // https://docs.anthropic.com/en/api/errors#request-id
  headers: (id) => ['request-id', id],
};
