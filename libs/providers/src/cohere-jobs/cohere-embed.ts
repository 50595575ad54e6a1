// Cohere's embeddings. Vectors come by type and are written in OpenAI's shape. https://docs.cohere.com/reference/embed
import { embeddingsInput, type EmbeddingsInput, type InputPart } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { isRecord, numberOf, present, recordOf, textOf, type JsonObject } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { AskedJob, Job } from '../spec.js';

/** Words of others for what Cohere has words for; its own go on as they are. */
const INPUT_TYPES: Readonly<Record<string, string>> = {
  query: 'search_query',
  document: 'search_document',
  passage: 'search_document',
};

/** Not optional there. A vector for another purpose is another vector, so that the choice is told. */
const inputTypeOf = (told: unknown, losses: Losses): string => {
  if (typeof told === 'string') return INPUT_TYPES[told] ?? told;
  losses.lose('input_type', 'The endpoint that served this needs `input_type`; `search_document` was assumed.');
  return 'search_document';
};

const partJson = (part: InputPart): object =>
  part.type === 'text' ? part : { type: 'image_url', image_url: { url: part.url } };

const inputJson = (input: EmbeddingsInput): object =>
  input.kind === 'texts'
    ? { texts: input.texts }
    : { inputs: input.inputs.map((parts) => ({ content: parts.map(partJson) })) };

const usageOf = (value: JsonObject) => {
  const billed = recordOf(recordOf(value['meta'])['billed_units']);
  const [tokens, images] = [numberOf(billed['input_tokens']), numberOf(billed['image_tokens'])];
  if (tokens === undefined && images === undefined) return undefined;
  return { ...present({ input: tokens, imageInput: images }) };
};

const readAnswer =
  (type: string): AskedJob['readAnswer'] =>
  (bytes, { generationId: id, model }) => {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const vectors = isRecord(value) ? recordOf(value['embeddings'])[type] : undefined;
    if (!isRecord(value) || !Array.isArray(vectors) || vectors.length === 0) return undefined;
    const data = vectors.map((embedding: unknown, index) => ({ object: 'embedding', index, embedding }));
    const usage = usageOf(value);
    const upstreamId = textOf(value['id']);
    return {
      body: Buffer.from(JSON.stringify({ id, object: 'list', model, data })),
      usage,
      ...present({ upstreamId }),
    };
  };

export const cohereEmbed: Job = (request) => {
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'input', 'dimensions', 'encoding_format', 'input_type'], fields, losses);
  const type = fields['encoding_format'] === 'base64' ? 'base64' : 'float';
  const body = {
    model: request.upstreamModel,
    ...inputJson(embeddingsInput(fields['input'])),
    input_type: inputTypeOf(fields['input_type'], losses),
    embedding_types: [type],
    ...present({ output_dimension: fields['dimensions'] ?? undefined }),
  };
  return {
    upstream: jobUpstream('/embed', Buffer.from(JSON.stringify(body)), losses.warnings),
    readAnswer: readAnswer(type),
  };
};
