// Walks a filter over a text in bounded looks, so that whoever drives it may pause between them. A text may come in pieces: then what is decided ends a window before its end.
// Invariant: of a match no longer than the window, however the text was cut into pieces, nothing is said to be clear before all of it was seen.
import type { Detector, Match } from './match.js';

/** A match that reaches the end of what is there is waited for so long. */
const OPEN_CHARACTERS_MAX = 16_384;

export interface Scanned {
  /** In order; none overlaps another. */
  readonly matches: readonly Match[];
  /** What begins before this place is decided. */
  readonly next: number;
  /** One that reaches the end, and may go on. It begins at `next` or behind it: what is no match yet may be one that begins earlier. */
  readonly open?: Match;
}

/** @param isWhole nothing follows */
export function* scan(detector: Detector, text: string, from: number, isWhole: boolean): Generator<void, Scanned> {
  const { windowCharacters, stepCharacters } = detector;
  const matches: Match[] = [];
  let at = from;
  while (at < text.length) {
    const end = Math.min(text.length, at + stepCharacters + windowCharacters);
    const found = detector.find(text, at, end);
    yield;
    if (found === undefined) {
      if (end === text.length) break;
      at = end - windowCharacters;
    } else if (found.end < end || (end === text.length && isWhole)) {
      matches.push(found);
      at = found.end;
    } else if (end < text.length && found.start > at) {
      // It may go on behind this look, or be there only because the look ends there: so may one that begins before it.
      at = Math.min(found.start, end - windowCharacters);
    } else if (end === text.length && found.end - found.start < OPEN_CHARACTERS_MAX) {
      return { matches, next: Math.min(found.start, Math.max(at, end - windowCharacters)), open: found };
    } else {
      matches.push(found);
      at = found.end;
    }
  }
  return { matches, next: isWhole ? text.length : Math.max(at, from, text.length - windowCharacters) };
}

/** All of it at once: for texts that are short. */
export const scanNow = (...args: Parameters<typeof scan>): Scanned => {
  const looks = scan(...args);
  for (;;) {
    const step = looks.next();
    if (step.done === true) return step.value;
  }
};
