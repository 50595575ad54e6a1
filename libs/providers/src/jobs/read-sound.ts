// Sound as an answer: its bytes pass with the provider's content type. Nobody tells usage with it; it is billed by the characters that were spoken.
import { parseInBandError } from '../provider-error.js';
import type { AskedJob } from '../spec.js';

const SOUND = /^audio\/[\w.+-]+(?:\s*;\s*[\w-]+=[\w.+-]+)*$/i;
const JSON_BODY = /^application\/(problem\+)?json\b/i;

/** @param usualType told to the client where the provider tells none that is sound */
export const soundAnswer = (input: string, usualType: string): Pick<AskedJob, 'readAnswer'> => ({
  readAnswer(body, terms) {
    const { contentType = '' } = terms;
    if (JSON_BODY.test(contentType)) return parseInBandError(body.toString('utf8'), terms);
    if (body.length === 0) return undefined;
    // Characters as people count them, not UTF-16 units.
    return {
      body,
      usage: { characters: [...input].length },
      contentType: SOUND.test(contentType) ? contentType : usualType,
    };
  },
});
