// The texts that a whole answer says, in its bytes: what a repair of JSON looks at, and all that it may replace.
import { spliceJson } from '../json/edit-members.js';
import { findAtPath, type ByteSpan, type Step } from '../json/find-at-path.js';

export interface AnswerText extends ByteSpan {
  readonly text: string;
}

const QUOTE = 0x22;

const textAt = (body: Buffer, { start, end }: ByteSpan): string | undefined => {
  if (body[start] !== QUOTE) return undefined;
  try {
    return JSON.parse(body.toString('utf8', start, end)) as string; // it begins with a quote
  } catch {
    return undefined;
  }
};

/** Content that is no text, or none at all, is left out. */
export const textsAt = (body: Buffer, path: readonly Step[]): AnswerText[] =>
  findAtPath(body, path).flatMap((span) => {
    const text = textAt(body, span);
    return text === undefined ? [] : [{ ...span, text }];
  });

/** The answer with other texts in these places, in order of position. */
export const replaceTexts = (body: Buffer, texts: readonly AnswerText[]): Buffer =>
  spliceJson(
    body,
    texts.map(({ start, end, text }) => ({ start, end, replacement: JSON.stringify(text) })),
  );
