// OpenAI's Responses, as it and those who follow it speak it. https://platform.openai.com/docs/api-reference/responses
import { EventsReader } from '../events/events-reader.js';
import { PassingReader } from '../events/passing-reader.js';
import { parseProviderError } from '../provider-error.js';
import type { ProviderDialect } from '../spec.js';
import { buildFromCall } from './build-from-call.js';
import { buildResponsesRequest } from './build-request.js';
import { responsesDecoding } from './decode.js';
import { responsesPassing } from './pass.js';

export const openaiResponses: ProviderDialect = {
  name: 'openai-responses',
  parseError: parseProviderError,
  passthrough: {
    dialects: new Set(['openai-responses']),
    buildRequest: buildResponsesRequest,
    readResponse: (terms, sink) => new PassingReader(terms, responsesDecoding, responsesPassing(terms), sink),
  },
  translation: {
    buildRequest: buildFromCall,
    readResponse: (terms, sink) => new EventsReader(terms, responsesDecoding, sink),
  },
};
