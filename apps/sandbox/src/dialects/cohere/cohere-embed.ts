// Cohere's embeddings, version 2: https://docs.cohere.com/reference/embed
import type { SandboxMessage } from '../../reply/call.js';
import { toldUsage } from '../../reply/told-usage.js';
import { vectorOf } from '../../reply/vector.js';
import { BadCall, noStream, type Dialect } from '../dialect.js';
import { embeddingCall } from '../embeddings/embedding-call.js';
import { base64Of } from '../embeddings/embeddings.js';
import { readBody, readModel, readOverrides, readRecords, type Json } from '../read-fields.js';
import { writeCohereError } from './write-chat.js';

const INPUT_TYPES = ['search_document', 'search_query', 'classification', 'clustering', 'image'];
const DIMENSIONS = [256, 512, 1_024, 1_536];
const TEXTS_MAX = 96;

const FORMATS: Readonly<Record<string, (vector: Float32Array) => unknown>> = {
  float: (vector) => [...vector],
  int8: (vector) => [...vector].map((value) => Math.round(value * 127)),
  uint8: (vector) => [...vector].map((value) => Math.round((value + 1) * 127)),
  base64: base64Of,
};

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const readTexts = (body: Json): SandboxMessage[] => {
  const { texts, images, inputs } = body;
  if (isTexts(texts)) return texts.map((text) => ({ role: 'user', text, mediaParts: 0 }));
  if (isTexts(images)) return images.map(() => ({ role: 'user', text: '', mediaParts: 1 }));
  return readRecords(inputs, 'inputs').map(({ content }) => {
    const parts = readRecords(content, 'inputs.content');
    const text = parts.map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('');
    return { role: 'user', text, mediaParts: parts.filter((part) => part['type'] === 'image_url').length };
  });
};

export const cohereEmbed: Dialect = {
  name: 'cohere-embed',
  paths: ['/v2/embed'],
  idPrefix: 'embed',
  generates: false,
  readCall({ body: given }) {
    const body = readBody(given);
    const messages = readTexts(body);
    if (messages.length === 0 || messages.length > TEXTS_MAX)
      throw new BadCall(400, `invalid request: from 1 to ${TEXTS_MAX} texts.`);
    if (!INPUT_TYPES.includes(String(body['input_type'])))
      throw new BadCall(400, `invalid request: input_type must be one of ${INPUT_TYPES.join(', ')}.`);
    const types = body['embedding_types'] ?? ['float'];
    if (!isTexts(types) || types.some((type) => !(type in FORMATS)))
      throw new BadCall(400, `invalid request: embedding_types must be of ${Object.keys(FORMATS).join(', ')}.`);
    const dimensions = body['output_dimension'] ?? DIMENSIONS[0];
    if (typeof dimensions !== 'number' || !DIMENSIONS.includes(dimensions))
      throw new BadCall(400, `invalid request: output_dimension must be one of ${DIMENSIONS.join(', ')}.`);
    const call = embeddingCall(readModel(body), messages, readOverrides(body));
    return {
      call,
      stream: noStream,
      completion(head, reply, script) {
        const vectors = messages.map(({ text }) => vectorOf(text, dimensions));
        const told = toldUsage(reply, script.usage);
        return JSON.stringify({
          id: head.id,
          texts: messages.map(({ text }) => text),
          embeddings: Object.fromEntries(types.map((type) => [type, vectors.map((vector) => FORMATS[type]?.(vector))])),
          meta: {
            api_version: { version: '2' },
            ...(told === undefined ? {} : { billed_units: { input_tokens: told.prompt } }),
          },
          response_type: 'embeddings_by_type',
        });
      },
    };
  },
  error: writeCohereError,
};
