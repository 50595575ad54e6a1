// Anthropic's Messages. https://docs.anthropic.com/en/api/messages
import { SSE_KEEP_ALIVE } from '../openai-chat/write-chat-response.js';
import type { PublicDialect } from '../public-dialect.js';
import { namedEvent } from '../sse.js';
import { toDialectError } from '../to-dialect-error.js';
import { readMessagesCall } from './read-messages-call.js';
import { readMessagesRequest } from './read-messages-request.js';
import { messagesEnd, messagesStreamEnd, withMessagesUsage } from './write-end.js';
import { MessagesAnswerBody } from './write-messages-body.js';
import { MessagesAnswerStream } from './write-messages-stream.js';

const NAME = 'anthropic-messages';

export const anthropicMessages: PublicDialect = {
  name: NAME,
  readRequest: readMessagesRequest,
  readCall: readMessagesCall,
  writeAnswer: (terms) => (terms.stream ? new MessagesAnswerStream(terms) : new MessagesAnswerBody(terms)),
  keepAlive: SSE_KEEP_ALIVE,
  streamEnd: (_answer, bill, tail) => messagesStreamEnd(tail ?? messagesEnd('end_turn'), bill),
  // The stop reason says it, and the generation's record why: there is no place for more in this dialect.
  streamCut: () => '',
  streamError: ({ generationId }, error) => namedEvent('error', toDialectError(error, NAME, generationId).body),
  withBill: withMessagesUsage,
  toError: (error, answer) => toDialectError(error, NAME, answer?.generationId),
};
