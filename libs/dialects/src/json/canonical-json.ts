// One spelling for all that is written differently and means the same: white space goes, members stand in the order of their names. Bytes in, text out.
// Invariant: numbers and strings stay as they were written, and a key that stands twice stays twice, so that no two bodies that differ in meaning ever get one spelling.
import { skipSpace, skipString, skipValue } from './skip-value.js';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

/** A model writes an object in the order in which its schema names what belongs to it: two orders are two questions. */
const ORDERED = '"properties"';

interface Spelled {
  readonly text: string;
  readonly end: number;
}

/** Members are put into order by their names as these were written. Equal names keep theirs: the last of them wins for a reader. */
const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

const spellObject = (bytes: Buffer, at: number, sorted: boolean): Spelled => {
  const members: [string, string][] = [];
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_OBJECT) {
    const nameEnd = skipString(bytes, at + 1);
    const name = bytes.toString('utf8', at, nameEnd);
    const value = spell(bytes, skipSpace(bytes, skipSpace(bytes, nameEnd) + 1), sorted && name !== ORDERED);
    members.push([name, value.text]);
    at = skipSpace(bytes, value.end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  if (sorted) members.sort(byName);
  return { text: `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`, end: at + 1 };
};

const spellArray = (bytes: Buffer, at: number, sorted: boolean): Spelled => {
  const items: string[] = [];
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_ARRAY) {
    const item = spell(bytes, at, sorted);
    items.push(item.text);
    at = skipSpace(bytes, item.end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return { text: `[${items.join(',')}]`, end: at + 1 };
};

const spell = (bytes: Buffer, at: number, sorted: boolean): Spelled => {
  if (bytes[at] === OPEN_OBJECT) return spellObject(bytes, at, sorted);
  if (bytes[at] === OPEN_ARRAY) return spellArray(bytes, at, sorted);
  const end = skipValue(bytes, at);
  return { text: bytes.toString('utf8', at, end), end };
};

/** Undefined where the bytes are no JSON value, or nested deeper than 512. */
export const canonicalJson = (bytes: Buffer): string | undefined => {
  const start = skipSpace(bytes, 0);
  const end = skipValue(bytes, start);
  return end < 0 || skipSpace(bytes, end) !== bytes.length ? undefined : spell(bytes, start, true).text;
};
