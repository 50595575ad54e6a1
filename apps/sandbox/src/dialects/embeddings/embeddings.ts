// Embeddings as OpenAI has them: https://platform.openai.com/docs/api-reference/embeddings
import type { SandboxMessage } from '../../reply/call.js';
import { toldUsage } from '../../reply/told-usage.js';
import { vectorOf } from '../../reply/vector.js';
import { BadCall, noStream, type Dialect, type Received } from '../dialect.js';
import { readBody, readModel, readOverrides, readWhole } from '../read-fields.js';
import { writeChatError } from '../openai-chat/write-chat-error.js';
import { embeddingCall } from './embedding-call.js';

const DIMENSIONS = { usual: 256, max: 3_072 } as const;
const INPUTS_MAX = 2_048;

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Number.isSafeInteger(each));

/** Text, or tokens that somebody counted already; of tokens each counts as one. */
const textOf = (input: unknown): string => {
  if (typeof input === 'string' && input !== '') return input;
  if (isTokens(input)) return input.map((token) => String(token % 10_000).padStart(4, '0')).join('');
  throw new BadCall(400, "'$.input' is invalid: a text must not be empty, and tokens must be whole numbers.");
};

const readInput = (input: unknown): SandboxMessage[] => {
  const inputs: readonly unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  if (inputs.length === 0 || inputs.length > INPUTS_MAX)
    throw new BadCall(400, `'$.input' is invalid: from 1 to ${INPUTS_MAX} inputs.`);
  return inputs.map((each) => ({ role: 'user', text: textOf(each), mediaParts: 0 }));
};

const readEmbeddings = ({ body: given }: Received) => {
  const body = readBody(given);
  const model = readModel(body);
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') throw new BadCall(400, 'encoding_format must be float or base64.');
  const dimensions = readWhole(body, 'dimensions', 1) ?? DIMENSIONS.usual;
  if (dimensions > DIMENSIONS.max) throw new BadCall(400, `dimensions must be at most ${DIMENSIONS.max}.`);
  return { call: embeddingCall(model, readInput(body['input']), readOverrides(body)), format, dimensions };
};

/** https://platform.openai.com/docs/api-reference/embeddings/create#embeddings-create-encoding_format: 32-bit floats, little endian. */
export const base64Of = (vector: Float32Array): string => {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
};

export const embeddings: Dialect = {
  name: 'embeddings',
  paths: ['/v1/embeddings', '/embeddings'],
  idPrefix: 'embd',
  generates: false,
  readCall(received) {
    const { call, format, dimensions } = readEmbeddings(received);
    return {
      call,
      stream: noStream,
      completion(head, reply, script) {
        const told = toldUsage(reply, script.usage);
        return JSON.stringify({
          object: 'list',
          data: call.messages.map(({ text }, index) => {
            const vector = vectorOf(text, dimensions);
            return { object: 'embedding', index, embedding: format === 'base64' ? base64Of(vector) : [...vector] };
          }),
          model: head.model,
          ...(told === undefined ? {} : { usage: { prompt_tokens: told.prompt, total_tokens: told.prompt } }),
        });
      },
    };
  },
  error: writeChatError,
};
