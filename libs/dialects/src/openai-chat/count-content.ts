// Counts the content of a stream that passes through: what its client got of it, for the day on which nobody else can tell, because its worker was lost.
// It runs over every stream: the lines of one begin alike up to their text, so that a line's beginning is compared with that of the last one counted, and only what begins
// otherwise is walked, in one pass that stops at keys alone.
// Invariant: never more than was there. An event counts once, by its first text; of one that is cut inside of its key nothing is counted. Of events with a name only deltas
// count: what they brought is told again by those that end a part, an item, a response.
import type { DeliveredContent } from '@waystation/generation';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const NEWLINE = 0x0a;
/** `event: …`; lines of data and comments begin otherwise. */
const NAME_LINE = 0x65;
/** Of `…delta`. */
const DELTA_END = 0x61;

const NAMES = [
  ...['content', 'reasoning', 'reasoning_content', 'arguments', 'refusal'],
  // Messages and Responses: an event has one of them at most.
  ...['text', 'thinking', 'partial_json', 'delta'],
].map((name) => Buffer.from(`"${name}`));
/** Their last byte → those that end so: that most keys are none of them shows in one look. */
const NAMES_BY_END: readonly (readonly Buffer[] | undefined)[] = Array.from({ length: 256 }, (_, last) => {
  const names = NAMES.filter((name) => name.at(-1) === last);
  return names.length === 0 ? undefined : names;
});

export interface ContentCounter {
  readonly sum: Readonly<DeliveredContent>;
  /** Takes the next bytes of the stream. */
  count(bytes: Buffer): void;
}

const endsWith = (bytes: Buffer, end: number, name: Buffer): boolean => {
  const start = end - name.length;
  if (start < 0) return false;
  for (let index = name.length - 1; index >= 0; index -= 1) if (bytes[start + index] !== name[index]) return false;
  return true;
};

/** Whether a name of content ends at `end`, where its closing quote is. */
const isContentKey = (bytes: Buffer, end: number): boolean => {
  const names = end > 0 ? NAMES_BY_END[bytes[end - 1] as number] : undefined;
  if (names === undefined) return false;
  for (const name of names) if (endsWith(bytes, end, name)) return true;
  return false;
};

/** Where the string ends whose characters begin at `at`: its closing quote, or the end of the bytes. */
const endOfString = (bytes: Buffer, at: number): number => {
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, bytes.length);
};

/** Beginnings longer than this are not kept. */
const BEGINNING_MAX = 1_024;
/** Of a stream whose lines begin differently no more are kept than so many. */
const BEGINNINGS_KEPT = 8;
const NONE = Buffer.alloc(0);
/** What Responses counts its events with: the one thing in which their beginnings differ. */
const NUMBERED = Buffer.from('"sequence_number":');

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Where what stands at `at` is over, if it is what is known; else -1. */
const endOfKnown = (known: Buffer, bytes: Buffer, at: number): number => {
  const end = at + known.length;
  if (end > bytes.length || bytes[end - 1] !== known[known.length - 1]) return -1;
  return known.compare(bytes, at, end) === 0 ? end : -1;
};

/** The beginning of a line up to its text, as it was in the last line that was counted: before its number, and behind it. */
class Beginning {
  #head = NONE;
  #tail = NONE;
  #kept = 0;

  keep(bytes: Buffer, start: number, end: number): void {
    if (start < 0 || end - start > BEGINNING_MAX || this.#kept >= BEGINNINGS_KEPT) return;
    this.#kept += 1;
    const beginning = Buffer.from(bytes.subarray(start, end));
    const numbered = beginning.indexOf(NUMBERED);
    let digits = numbered === -1 ? beginning.length : numbered + NUMBERED.length;
    this.#head = beginning.subarray(0, digits);
    while (isDigit(beginning[digits])) digits += 1;
    this.#tail = beginning.subarray(digits);
  }

  /** Where the text of the line at `start` begins, if it begins like the one kept; else -1. */
  textOf(bytes: Buffer, start: number): number {
    if (this.#head.length === 0) return -1;
    let at = endOfKnown(this.#head, bytes, start);
    if (at === -1 || this.#tail.length === 0) return at;
    while (isDigit(bytes[at])) at += 1;
    return endOfKnown(this.#tail, bytes, at);
  }
}

/** Where the line ends in which `at` is. */
const endOfLine = (bytes: Buffer, at: number): number => {
  const end = bytes.indexOf(NEWLINE, at);
  return end === -1 ? bytes.length : end;
};

export const createContentCounter = (): ContentCounter => {
  const sum: DeliveredContent = { bytes: 0, chunks: 0 };
  /** The event that is read has been counted, or does not count. */
  let eventCounted = false;
  /** The line that is read names an event. */
  let lineNames = false;
  /** The last byte of what came before. */
  let before = NEWLINE;
  const beginning = new Beginning();
  /** Counts the text of the line that starts there, where it stands where it stood before; answers where the line ends, or -1. */
  const countKnown = (bytes: Buffer, start: number): number => {
    const from = beginning.textOf(bytes, start);
    const end = from === -1 ? -1 : endOfString(bytes, from);
    if (end === from) return -1;
    sum.bytes += end - from;
    sum.chunks += 1;
    return endOfLine(bytes, end);
  };
  return {
    sum,
    count(bytes) {
      const { length } = bytes;
      if (length === 0) return;
      let counted = eventCounted;
      let names = before === NEWLINE ? bytes[0] === NAME_LINE : lineNames;
      let line = before === NEWLINE ? 0 : -1;
      let at = 0;
      const known = line === 0 && !counted ? countKnown(bytes, 0) : -1;
      if (known !== -1) {
        counted = true;
        at = known;
      }
      for (; at < length; at += 1) {
        const byte = bytes[at] as number;
        // Letters, braces and what is not ASCII: most of all bytes.
        if (byte > COLON) continue;
        // No string of JSON holds one.
        if (byte === NEWLINE) {
          counted = names && (at === 0 ? before : bytes[at - 1]) !== DELTA_END;
          line = at + 1;
          names = bytes[line] === NAME_LINE;
          const next = counted ? -1 : countKnown(bytes, line);
          if (next === -1) continue;
          counted = true;
          at = next - 1;
          continue;
        }
        if (byte !== COLON || counted || bytes[at - 1] !== QUOTE || !isContentKey(bytes, at - 1)) continue;
        let from = at + 1;
        while (bytes[from] === SPACE) from += 1;
        // Null, or content in parts, which no stream has.
        if (bytes[from] !== QUOTE) continue;
        const end = endOfString(bytes, from + 1);
        at = end;
        if (end === from + 1) continue;
        sum.bytes += end - from - 1;
        sum.chunks += 1;
        counted = true;
        beginning.keep(bytes, line, from + 1);
        // What else the line says does not count.
        at = endOfLine(bytes, end) - 1;
      }
      eventCounted = counted;
      lineNames = names;
      before = bytes[length - 1] ?? NEWLINE;
    },
  };
};
