// Answers that are kept for a while, in a bucket that all ingresses share and that drops its oldest when it is full.
// Invariant: nothing here fails a request, nor holds it up beyond a small bound: where the bucket does not answer, nothing is found.
import type { KvBucket } from '@waystation/bus';
import { ANSWER_BYTES_MAX, answerEntry, type KeptAnswer } from '@waystation/contracts';
import { within } from '../within.js';
import type { AnswerPlace } from './answer-place.js';
import { openAnswer, sealAnswer, type FoundAnswer } from './seal-answer.js';

/** For the bucket to say what it has. Not scaled: a short clock makes no server faster. */
export const ANSWER_WITHIN_MS = 100;

/** An answer that was delivered whole. */
export interface GivenAnswer {
  readonly kept: Omit<KeptAnswer, 'v' | 'keptAt' | 'tailBytes'>;
  readonly data: Buffer;
  readonly tail: string | undefined;
}

export interface Answers {
  /** Never rejects. */
  find(place: AnswerPlace): Promise<FoundAnswer | undefined>;
  /** In the background; one that is too long is not kept. Never throws. */
  keep(place: AnswerPlace, answer: GivenAnswer, ttlSeconds: number): void;
  /** In the background, and before anything is kept there afterwards. */
  forget(place: AnswerPlace): void;
}

export interface AnswersDeps {
  readonly bucket: KvBucket;
  readonly answerMs: number;
  readonly nowMs: () => number;
  readonly onLookup: (found: boolean) => void;
  readonly onFault: (error: unknown, what: string) => void;
}

const MS_PER_SECOND = 1_000;

export const createAnswers = ({ bucket, answerMs, nowMs, onLookup, onFault }: AnswersDeps): Answers => {
  const read = async (place: AnswerPlace): Promise<FoundAnswer | undefined> => {
    const found = await within(answerMs, bucket.get(place.key));
    if (found === undefined) return undefined;
    const entry = answerEntry.parse(found);
    return entry.expiresAt <= nowMs() ? undefined : openAnswer(place, entry);
  };

  return {
    async find(place) {
      let found: FoundAnswer | undefined;
      try {
        found = await read(place);
      } catch (error) {
        onFault(error, 'looking for a kept answer');
      }
      onLookup(found !== undefined);
      return found;
    },

    keep(place, { kept, data, tail }, ttlSeconds) {
      const end = tail === undefined ? undefined : Buffer.from(tail);
      const bytes = end === undefined ? data : Buffer.concat([data, end]);
      if (bytes.length > ANSWER_BYTES_MAX) return;
      const keptAt = nowMs();
      const head: KeptAnswer = { v: 1, keptAt, ...kept, ...(end === undefined ? {} : { tailBytes: end.length }) };
      bucket
        .put(place.key, sealAnswer(place, head, bytes, keptAt + ttlSeconds * MS_PER_SECOND))
        .catch((error: unknown) => onFault(error, 'keeping an answer'));
    },

    forget(place) {
      bucket.delete(place.key).catch((error: unknown) => onFault(error, 'forgetting a kept answer'));
    },
  };
};
