// Anthropic's Messages. https://docs.anthropic.com/en/api/messages
import { MessagesJoint } from '../continuation/messages-joint.js';
import { SSE_KEEP_ALIVE, metadataMember } from '../openai-chat/write-chat-response.js';
import { middleOut } from '../plugins/middle-out.js';
import { messagesFacts } from '../plugins/turn-facts.js';
import { MESSAGES_FILES } from '../plugins/prompt-files.js';
import { textsAt } from '../plugins/answer-texts.js';
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
  files: MESSAGES_FILES,
  withNotes: (body) => body,
  shorten: (body, excess) => middleOut(body, 'messages', messagesFacts, excess),
  textsOf: (body) => textsAt(body, ['content', { each: 'text' }, 'text']),
  joint: () => new MessagesJoint(),
  readRequest: readMessagesRequest,
  readCall: readMessagesCall,
  writeAnswer: (terms) => (terms.stream ? new MessagesAnswerStream(terms) : new MessagesAnswerBody(terms)),
  keepAlive: SSE_KEEP_ALIVE,
  streamEnd: (answer, bill, tail) => messagesStreamEnd(answer, tail ?? messagesEnd('end_turn'), bill),
  // The stop reason says it, and the generation's record why: there is no place for more in this dialect.
  streamCut: () => '',
  streamError: (answer, error) => {
    const { body } = toDialectError(error, NAME, answer.generationId);
    return namedEvent('error', `${body.slice(0, -1)}${metadataMember(answer)}}`);
  },
  withBill: withMessagesUsage,
  toError: (error, answer) => toDialectError(error, NAME, answer?.generationId),
};
