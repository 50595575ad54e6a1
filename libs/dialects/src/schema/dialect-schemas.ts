// Every wire shape of the public dialects, by its name in the reference document.
import { EMBEDDINGS_SCHEMAS } from '../embeddings/embeddings-schema.js';
import { IMAGES_SCHEMAS } from '../images/images-schema.js';
import { COMPLETIONS_SCHEMAS } from '../openai-completions/completions-schema.js';
import { RERANK_SCHEMAS } from '../rerank/rerank-schema.js';
import { SPEECH_SCHEMAS } from '../speech/speech-schema.js';
import { MESSAGES_SCHEMAS } from '../anthropic-messages/messages-schema.js';
import { CHAT_SCHEMAS } from '../openai-chat/chat-schema.js';
import { RESPONSES_SCHEMAS } from '../openai-responses/responses-schema.js';
import { TRANSCRIPTIONS_SCHEMAS } from '../transcriptions/transcriptions-schema.js';
import { ERROR_SCHEMAS } from './error-schema.js';
import type { SchemaData } from './schema-data.js';

export const DIALECT_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  ...ERROR_SCHEMAS,
  ...CHAT_SCHEMAS,
  ...MESSAGES_SCHEMAS,
  ...RESPONSES_SCHEMAS,
  ...COMPLETIONS_SCHEMAS,
  ...EMBEDDINGS_SCHEMAS,
  ...RERANK_SCHEMAS,
  ...IMAGES_SCHEMAS,
  ...SPEECH_SCHEMAS,
  ...TRANSCRIPTIONS_SCHEMAS,
};
