// Vectors as lists of numbers, written as an embeddings answer in OpenAI's shape. https://platform.openai.com/docs/api-reference/embeddings/object
import type { Usage } from '@waystation/generation';
import type { JobAnswer, ResponseTerms } from '../spec.js';

const FLOAT_BYTES = 4;

/** As OpenAI does: 32-bit floats, the low byte first. */
const base64Of = (vector: readonly number[]): string => {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * FLOAT_BYTES);
  return bytes.toString('base64');
};

const isVector = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number');

/** Undefined where something is no vector, or there are fewer or more than texts were sent. */
export const writeEmbeddings = (
  vectors: readonly unknown[],
  { count, base64 }: { readonly count: number; readonly base64: boolean },
  { generationId: id, model }: ResponseTerms,
  usage: Usage | undefined,
): JobAnswer | undefined => {
  if (vectors.length !== count || !vectors.every(isVector)) return undefined;
  const data = vectors.map((vector, index) => ({
    ...{ object: 'embedding', index },
    embedding: base64 ? base64Of(vector) : vector,
  }));
  return { body: Buffer.from(JSON.stringify({ id, object: 'list', model, data })), usage };
};
