// Chat completions. https://platform.openai.com/docs/api-reference/chat
import { ChatJoint } from '../continuation/chat-joint.js';
import { middleOut } from '../plugins/middle-out.js';
import { chatFacts } from '../plugins/turn-facts.js';
import { CHAT_FILES } from '../plugins/prompt-files.js';
import { withFileNotes } from '../plugins/answer-notes.js';
import { textsAt } from '../plugins/answer-texts.js';
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
  files: CHAT_FILES,
  withNotes: (body, { fileNotes }) => withFileNotes(body, fileNotes ?? []),
  shorten: (body, excess) => middleOut(body, 'messages', chatFacts, excess),
  textsOf: (body) => textsAt(body, ['choices', { each: undefined }, 'message', 'content']),
  joint: () => new ChatJoint(),
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
