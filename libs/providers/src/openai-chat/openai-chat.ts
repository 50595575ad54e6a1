// The chat completions dialect, as OpenAI and all who follow it speak it. https://platform.openai.com/docs/api-reference/chat
import { EventsReader } from '../events/events-reader.js';
import { parseProviderError } from '../provider-error.js';
import type { Passthrough, ProviderDialect, Translation } from '../spec.js';
import { buildChatFromCall } from './build-from-call.js';
import { buildChatRequest } from './build-request.js';
import { chatDecoding } from './decode.js';
import { ChatBodyReader } from './read-body.js';
import { ChatStreamReader } from './read-stream.js';

export const chatPassthrough: Passthrough = {
  dialects: new Set(['openai-chat']),
  buildRequest: buildChatRequest,
  readResponse: (terms, sink) => (terms.stream ? new ChatStreamReader(terms, sink) : new ChatBodyReader(terms, sink)),
};

export const chatTranslation: Translation = {
  buildRequest: buildChatFromCall,
  readResponse: (terms, sink) => new EventsReader(terms, chatDecoding, sink),
};

export const openaiChat: ProviderDialect = {
  name: 'openai-chat',
  parseError: parseProviderError,
  passthrough: chatPassthrough,
  translation: chatTranslation,
};
