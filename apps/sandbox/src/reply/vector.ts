// Made-up embeddings and relevance: the same text gives the same vector of length one; texts that share words are near each other.
import { hash } from 'node:crypto';

const WORDS_MAX = 4_096;

export const wordsOf = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, WORDS_MAX);

const addWord = (vector: number[], word: string): void => {
  let state = Number.parseInt(hash('sha1', word).slice(0, 8), 16) | 1;
  for (let index = 0; index < vector.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[index] = (vector[index] ?? 0) + (state >>> 0) / 2 ** 31 - 1;
  }
};

export const vectorOf = (text: string, dimensions: number): Float32Array => {
  const vector = Array.from({ length: dimensions }, () => 0);
  // Sorted, since a sum of fractions depends on their order.
  for (const word of [text, ...wordsOf(text).sort()]) addWord(vector, word);
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
};

/** From 0 to 1: which share of the words of the query the document has, less a little for a long document. */
export const relevanceOf = (query: string, document: string): number => {
  const asked = new Set(wordsOf(query));
  const has = new Set(wordsOf(document));
  const shared = [...asked].filter((word) => has.has(word)).length;
  const share = asked.size === 0 ? 0 : shared / asked.size;
  return Math.round((share * 0.9 + 0.1 / (1 + has.size)) * 1e8) / 1e8;
};
