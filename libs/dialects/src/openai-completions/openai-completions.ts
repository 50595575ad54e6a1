// Legacy text completions, answered by chat models. https://platform.openai.com/docs/api-reference/completions
import { SSE_KEEP_ALIVE, withChatUsage } from '../openai-chat/write-chat-response.js';
import { middleOut } from '../plugins/middle-out.js';
import { chatFacts } from '../plugins/turn-facts.js';
import { textsAt } from '../plugins/answer-texts.js';
import type { PublicDialect } from '../public-dialect.js';
import { toDialectError } from '../to-dialect-error.js';
import { readCompletionCall, readCompletionRequest } from './read-completion.js';
import {
  CompletionAnswer,
  completionStreamCut,
  completionStreamEnd,
  completionStreamError,
} from './write-completion.js';

const NAME = 'openai-completions';

export const openAiCompletions: PublicDialect = {
  name: NAME,
  files: null,
  withNotes: (body) => body,
  shorten: (body, excess) => middleOut(body, 'prompt', chatFacts, excess),
  textsOf: (body) => textsAt(body, ['choices', { each: undefined }, 'text']),
  readRequest: readCompletionRequest,
  readCall: readCompletionCall,
  writeAnswer: (terms) => new CompletionAnswer(terms),
  keepAlive: SSE_KEEP_ALIVE,
  streamEnd: completionStreamEnd,
  streamCut: (answer, native, error) => completionStreamCut(answer, native, toDialectError(error, NAME).errorJson),
  streamError: (answer, error) => completionStreamError(answer, toDialectError(error, NAME).errorJson),
  withBill: withChatUsage,
  toError: (error) => toDialectError(error, NAME),
};
