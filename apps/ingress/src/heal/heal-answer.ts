// The plugin response-healing: where JSON was asked for and the answer is none, what it says is repaired before it is sent.
// Invariants: a text that parses is not touched, not by a byte; of the rest of the answer nothing is; what cannot be repaired goes out as it came. No schema is enforced.
import { replaceTexts, type AnswerText, type PublicDialect } from '@waystation/dialects';
import type { Warning } from '@waystation/generation';
import { moduleBeside, type Aside } from '../aside/run-aside.js';
import type { PipelineStage } from '../generate/metadata.js';

/** A longer text is left alone, and said to be: it would have to be parsed here to know whether it is JSON. */
const CHARACTERS_MAX = 1024 * 1024;
const TIMEOUT_MS = 5_000;
const BYTES_MAX = 256 * 1024 * 1024;

const REPAIR = moduleBeside(import.meta.url, 'repair-json');

export interface Healing {
  readonly body: Buffer;
  readonly stage?: PipelineStage;
  readonly warning?: Warning;
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const warn = (message: string): Warning => ({ code: 'other', message, field: 'response_format' });

const told = (body: Buffer, broken: number, repaired: number, why: string): Healing => {
  const summary =
    repaired === broken
      ? 'The answer was no valid JSON, and was repaired.'
      : `The answer is no valid JSON, and could not be repaired${repaired === 0 ? '' : ' in all of its places'}${why}.`;
  return {
    body,
    stage: { type: 'response_healing', name: 'response-healing', summary, data: { broken, repaired } },
    warning: warn(summary),
  };
};

const repairAll = async (aside: Aside, texts: readonly AnswerText[]): Promise<(string | undefined)[] | string> => {
  const end = await aside.run({
    module: REPAIR,
    data: texts.map(({ text }) => text),
    timeoutMs: TIMEOUT_MS,
    bytesMax: BYTES_MAX,
  });
  return 'failure' in end ? ` (${end.failure})` : (end.result as (string | undefined)[]); // of repair-json.ts
};

/** @param whole the answer, as its worker wrote it */
export const healAnswer = async (
  { textsOf }: Pick<PublicDialect, 'textsOf'>,
  whole: Buffer,
  aside: Aside,
): Promise<Healing> => {
  const texts = textsOf(whole).filter(({ text }) => text.trim() !== '');
  const broken = texts.filter(({ text }) => text.length > CHARACTERS_MAX || !isJson(text));
  if (broken.length === 0) return { body: whole };
  if (broken.some(({ text }) => text.length > CHARACTERS_MAX)) return told(whole, broken.length, 0, ' (too long)');
  const repairs = await repairAll(aside, broken);
  if (typeof repairs === 'string') return told(whole, broken.length, 0, repairs);
  const repaired = broken.flatMap((each, index) => {
    const text = repairs[index];
    return text === undefined ? [] : [{ ...each, text }];
  });
  return told(replaceTexts(whole, repaired), broken.length, repaired.length, '');
};
