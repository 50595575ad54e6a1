// The end of an answer waits for the bill in the worker's end frame, which is bounded. Of a longer one the beginning goes out at once: what needs the bill is its last part.
import { TAIL_CHARACTERS_MAX } from '@waystation/contracts';

/** What stays behind of a tail that is too long: more than any dialect puts its bill into. */
const KEPT_CHARACTERS = 1_024;

const isSecondHalf = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

export const splitTail = (tail: string): { readonly now: string; readonly later: string } => {
  if (tail.length <= TAIL_CHARACTERS_MAX) return { now: '', later: tail };
  const wanted = tail.length - KEPT_CHARACTERS;
  // Two halves of a character are no text on their own.
  const at = isSecondHalf(tail.charCodeAt(wanted)) ? wanted - 1 : wanted;
  return { now: tail.slice(0, at), later: tail.slice(at) };
};
