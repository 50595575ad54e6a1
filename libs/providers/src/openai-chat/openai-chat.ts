// The chat completions dialect, as OpenAI and all who follow it speak it. https://platform.openai.com/docs/api-reference/chat
import { parseProviderError } from '../provider-error.js';
import type { ProviderDialect } from '../spec.js';
import { buildChatRequest } from './build-request.js';
import { ChatBodyReader } from './read-body.js';
import { ChatStreamReader } from './read-stream.js';

export const openaiChat: ProviderDialect = {
  name: 'openai-chat',
  passes: new Set(['openai-chat']),
  buildRequest: buildChatRequest,
  parseError: parseProviderError,
  readResponse: (terms, sink) => (terms.stream ? new ChatStreamReader(terms, sink) : new ChatBodyReader(terms, sink)),
};
