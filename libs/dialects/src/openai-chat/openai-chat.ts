// Chat completions. https://platform.openai.com/docs/api-reference/chat
import type { PublicDialect } from '../public-dialect.js';
import { toDialectError } from '../to-dialect-error.js';
import { readChatCall } from './read-chat-call.js';
import { readChatRequest } from './read-chat-request.js';
import { ChatAnswerBody } from './write-chat-body.js';
import { SSE_KEEP_ALIVE, chatStreamCut, chatStreamEnd, chatStreamError, withChatUsage } from './write-chat-response.js';
import { ChatAnswerStream } from './write-chat-stream.js';

const NAME = 'openai-chat';

export const openAiChat: PublicDialect = {
  name: NAME,
  readRequest: readChatRequest,
  readCall: readChatCall,
  writeAnswer: (terms) => (terms.stream ? new ChatAnswerStream(terms) : new ChatAnswerBody(terms)),
  keepAlive: SSE_KEEP_ALIVE,
  streamEnd: chatStreamEnd,
  streamCut: (answer, native, error) => chatStreamCut(answer, native, toDialectError(error, NAME).errorJson),
  streamError: (answer, error) => chatStreamError(answer, toDialectError(error, NAME).errorJson),
  withBill: withChatUsage,
  toError: (error) => toDialectError(error, NAME),
};
