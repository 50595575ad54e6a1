// Where the answer to a question is kept, and by what it is sealed. Both are made of the question and of the caller's API key.
// Invariant: a place says nothing of the question: without the API key nobody can even try a guess at it.
import { createHmac, hash, type KeyObject } from 'node:crypto';
import { answerKey, type AnswerQuestion } from '@waystation/dialects';

export interface AnswerPlace {
  /** In the bucket. */
  readonly key: string;
  /** AES-256. */
  readonly sealKey: Buffer;
}

/** Undefined where the body is no JSON. */
export const placeOf = (secret: KeyObject, question: AnswerQuestion): AnswerPlace | undefined => {
  const digest = answerKey(question, (text) => hash('sha256', text, 'hex'));
  if (digest === undefined) return undefined;
  const made = (purpose: 'place' | 'seal') => createHmac('sha256', secret).update(`${purpose}\n${digest}`);
  return { key: made('place').digest('hex'), sealKey: made('seal').digest() };
};
