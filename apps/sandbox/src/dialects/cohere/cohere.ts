// Cohere's chat, version 2, as its documents say: https://docs.cohere.com/reference/chat
import type { Dialect } from '../dialect.js';
import { readCohereChat } from './read-chat-call.js';
import { createCohereStreamEncoder, writeCohereChat, writeCohereError } from './write-chat.js';

export const cohere: Dialect = {
  name: 'cohere',
  paths: ['/v2/chat'],
  idPrefix: 'cohere',
  generates: true,
  readCall: ({ body }) => ({
    call: readCohereChat(body),
    completion: writeCohereChat,
    stream: createCohereStreamEncoder,
  }),
  error: writeCohereError,
};
