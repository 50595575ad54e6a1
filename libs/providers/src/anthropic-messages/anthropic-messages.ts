// Anthropic's Messages. https://docs.anthropic.com/en/api/messages
import { EventsReader } from '../events/events-reader.js';
import { PassingReader } from '../events/passing-reader.js';
import { parseProviderError } from '../provider-error.js';
import type { Passthrough, ProviderDialect, Translation } from '../spec.js';
import { buildFromCall } from './build-from-call.js';
import { buildMessagesRequest } from './build-request.js';
import { messagesDecoding } from './decode.js';
import { messagesPassing } from './pass.js';

export const messagesPassthrough: Passthrough = {
  dialects: new Set(['anthropic-messages']),
  buildRequest: buildMessagesRequest,
  readResponse: (terms, sink) => new PassingReader(terms, messagesDecoding, messagesPassing(terms), sink),
};

export const messagesTranslation: Translation = {
  buildRequest: buildFromCall,
  readResponse: (terms, sink) => new EventsReader(terms, messagesDecoding, sink),
};

export const anthropicMessages: ProviderDialect = {
  name: 'anthropic-messages',
  credential: { kind: 'header', name: 'x-api-key' },
  parseError: parseProviderError,
  passthrough: messagesPassthrough,
  translation: messagesTranslation,
};
