// OpenAI's Responses, without state. https://platform.openai.com/docs/api-reference/responses
import type { WaystationError } from '@waystation/contracts';
import { SSE_KEEP_ALIVE, metadataMember, type ChatAnswer } from '../openai-chat/write-chat-response.js';
import { middleOut } from '../plugins/middle-out.js';
import { responsesFacts } from '../plugins/turn-facts.js';
import { RESPONSES_FILES } from '../plugins/prompt-files.js';
import { textsAt } from '../plugins/answer-texts.js';
import type { PublicDialect } from '../public-dialect.js';
import { toDialectError, type DialectError } from '../to-dialect-error.js';
import { readResponsesCall } from './read-responses-call.js';
import { readResponsesRequest } from './read-responses-request.js';
import {
  RESPONSES_DONE,
  responseEvent,
  responseJson,
  responsesStreamEnd,
  withResponsesUsage,
  type ResponseHead,
  type ResponseParts,
} from './responses-json.js';
import { ResponsesAnswer } from './write-responses-answer.js';

const NAME = 'openai-responses';

/** Only the worker counts the events of a stream: what is written in its place comes behind all of them. */
const LAST_SEQUENCE = 2_147_483_647;

const headOf = ({ generationId, createdSeconds, model, providerName }: ChatAnswer): ResponseHead => ({
  id: generationId,
  createdAt: createdSeconds,
  model,
  provider: providerName,
});

/** Errors of length, which this dialect tells as a completion that reached its limit. The reference API, section 4.1. */
const LENGTH_TYPES: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'max_tokens_exceeded',
  'token_limit_exceeded',
  'string_too_long',
]);

const isOfLength = ({ row }: WaystationError): boolean => LENGTH_TYPES.has(row.type);

const failureParts = (error: WaystationError): ResponseParts =>
  isOfLength(error)
    ? { status: 'incomplete', incompleteReason: 'max_output_tokens', errorType: error.row.type }
    : {
        status: 'failed',
        error: JSON.parse(toDialectError(error, NAME).errorJson) as { code: string; message: string },
        errorType: error.row.type,
      };

const toError = (error: WaystationError, answer?: ChatAnswer): DialectError => {
  const converted = toDialectError(error, NAME);
  if (answer === undefined || !isOfLength(error)) return converted;
  const body = responseJson(headOf(answer), failureParts(error));
  return { status: 200, body, errorJson: converted.errorJson };
};

const streamError = (answer: ChatAnswer, error: WaystationError): string => {
  const parts = failureParts(error);
  const json = `${responseJson(headOf(answer), parts).slice(0, -1)}${metadataMember(answer)}}`;
  return responseEvent(`response.${parts.status}`, LAST_SEQUENCE, json) + RESPONSES_DONE;
};

export const openAiResponses: PublicDialect = {
  name: NAME,
  files: RESPONSES_FILES,
  withNotes: (body) => body,
  shorten: (body, excess) => middleOut(body, 'input', responsesFacts, excess),
  textsOf: (body) => textsAt(body, ['output', { each: 'message' }, 'content', { each: 'output_text' }, 'text']),
  readRequest: readResponsesRequest,
  readCall: readResponsesCall,
  writeAnswer: (terms) => new ResponsesAnswer(terms),
  keepAlive: SSE_KEEP_ALIVE,
  streamEnd: (answer, bill, tail) =>
    responsesStreamEnd(
      answer,
      tail ?? responseEvent('response.completed', LAST_SEQUENCE, responseJson(headOf(answer), { status: 'completed' })),
      bill,
    ),
  // The response says why it is incomplete, and the generation's record why that is so.
  streamCut: () => '',
  streamError,
  withBill: withResponsesUsage,
  toError,
};
