// Counts the content of a stream that passes through: what its client got of it, for the day on which nobody else can tell, because its worker was lost.
// It runs over every stream, so that it finds keys by native search and looks at nothing but their values.
// Invariant: never more than was there. Of an event that is cut by the end of a piece inside of its key, nothing is counted.
import type { DeliveredContent } from '@waystation/generation';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

const keyOf = (name: string): Buffer => Buffer.from(`"${name}":`);
const CONTENT = keyOf('content');
/** Looked for in pieces without text. */
const OTHERS = ['reasoning', 'reasoning_content', 'arguments', 'refusal'].map(keyOf);

export interface ContentCounter {
  readonly sum: Readonly<DeliveredContent>;
  /** Takes the next bytes of the stream. */
  count(bytes: Buffer): void;
}

/** Where the string ends whose characters begin at `from`: its closing quote, or the end of the bytes. */
const endOfString = (bytes: Buffer, from: number): number => {
  for (let at = bytes.indexOf(QUOTE, from); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (at - 1 - backslashes >= from && bytes[at - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return bytes.length;
};

export const createContentCounter = (): ContentCounter => {
  const sum: DeliveredContent = { bytes: 0, chunks: 0 };

  const countKey = (bytes: Buffer, key: Buffer): boolean => {
    let found = false;
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at)) {
      at += key.length;
      while (bytes[at] === SPACE) at += 1;
      // Null, or content in parts, which no stream has.
      if (bytes[at] !== QUOTE) continue;
      const end = endOfString(bytes, at + 1);
      if (end > at + 1) {
        found = true;
        sum.bytes += end - at - 1;
        sum.chunks += 1;
      }
      at = end;
    }
    return found;
  };

  return {
    sum,
    count(bytes) {
      if (countKey(bytes, CONTENT)) return;
      for (const key of OTHERS) if (countKey(bytes, key)) return;
    },
  };
};
