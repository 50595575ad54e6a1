// What runs a model. The shapes stand beside their dialects; they are read by hand there.
import { schemaRef } from '@waystation/dialects';
import { json, type Answer, type Operations } from '../operation.js';

const eitherWay = (body: string, event: string): Answer => ({
  status: 200,
  content: { 'application/json': schemaRef(body), 'text/event-stream': schemaRef(event) },
});

export const GENERATION: Operations = {
  'POST /chat/completions': {
    id: 'createChatCompletion',
    tag: 'Generation',
    summary: 'A chat completion, whole or as a stream',
    description:
      'A stream sends chunks as events, comment lines to keep the connection warm, a chunk with the usage and its cost, and `[DONE]`. What goes wrong after the first byte is told in the stream.',
    kind: 'generation',
    body: schemaRef('ChatRequest'),
    answer: eitherWay('ChatCompletion', 'ChatCompletionChunk'),
  },
  'POST /responses': {
    id: 'createResponse',
    tag: 'Generation',
    summary: 'A response, whole or as a stream',
    description: 'Without state: what needs a stored response is refused by name.',
    kind: 'generation',
    errors: 'ResponsesError',
    body: schemaRef('ResponsesRequest'),
    answer: eitherWay('Response', 'ResponsesEvent'),
  },
  'POST /messages': {
    id: 'createMessage',
    tag: 'Generation',
    summary: "A message in Anthropic's dialect, by any model",
    kind: 'generation',
    errors: 'MessagesError',
    body: schemaRef('MessagesRequest'),
    answer: eitherWay('MessagesAnswer', 'MessagesEvent'),
  },
  'POST /messages/count_tokens': {
    id: 'countMessageTokens',
    tag: 'Generation',
    summary: 'How many tokens such a message would have, about',
    description:
      'An estimate by the bytes: the models of one id may have several tokenizers. Free; no provider is asked.',
    errors: 'MessagesError',
    body: schemaRef('MessagesRequest'),
    answer: json(schemaRef('TokenCount')),
  },
  'POST /audio/transcriptions': {
    id: 'createTranscription',
    tag: 'Generation',
    summary: 'What is said in a sound, as text',
    description: 'Paid by the second, or by the token of sound and text, as the endpoint is priced.',
    kind: 'generation',
    body: schemaRef('TranscriptionRequest'),
    form: schemaRef('TranscriptionForm'),
    answer: json(schemaRef('Transcription')),
  },
};
