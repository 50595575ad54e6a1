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
  'POST /completions': {
    id: 'createCompletion',
    tag: 'Generation',
    summary: 'A legacy text completion, by a chat model',
    description: 'The prompt is asked as the one message of a chat; what no chat can do is refused by name.',
    kind: 'generation',
    body: schemaRef('CompletionRequest'),
    answer: eitherWay('TextCompletion', 'TextCompletionChunk'),
  },
  'POST /embeddings': {
    id: 'createEmbeddings',
    tag: 'Generation',
    summary: 'Vectors of texts, tokens or images',
    kind: 'generation',
    body: schemaRef('EmbeddingsRequest'),
    answer: json(schemaRef('Embeddings')),
  },
  'POST /rerank': {
    id: 'rerankDocuments',
    tag: 'Generation',
    summary: 'Documents by how relevant they are to a query',
    description: 'Paid by the search unit or by the token, as the endpoint is priced.',
    kind: 'generation',
    body: schemaRef('RerankRequest'),
    answer: json(schemaRef('Ranking')),
  },
  'POST /images': {
    id: 'createImages',
    tag: 'Generation',
    summary: 'Images out of a prompt, as base64 in one body',
    kind: 'generation',
    body: schemaRef('ImagesRequest'),
    answer: json(schemaRef('Images')),
  },
  'POST /images/generations': {
    id: 'generateImages',
    tag: 'Generation',
    summary: 'The same by the path that OpenAI gives it',
    kind: 'generation',
    body: schemaRef('ImagesRequest'),
    answer: json(schemaRef('Images')),
  },
  'POST /audio/speech': {
    id: 'createSpeech',
    tag: 'Generation',
    summary: 'A text, spoken',
    description: 'The answer is sound, whole; what it cost is told by `GET /generation`.',
    kind: 'generation',
    body: schemaRef('SpeechRequest'),
    answer: { status: 200, content: { 'audio/*': undefined } },
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
