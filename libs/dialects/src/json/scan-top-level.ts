// Finds top-level fields of a JSON object in its bytes, without building values: what lets a prompt travel unre-encoded.
// A field's span is exact, so that cutting it out and parsing it gives what parsing the whole would give.
import type { FieldSpan } from '@waystation/contracts';
import { JSON_DEPTH_MAX, skipSpace, skipString, skipValue } from './skip-value.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** No wanted name is longer; six bytes for each letter that is written as an escape. */
const KEY_BYTES_MAX = 64 * 6;

interface WantedKey {
  readonly key: string;
  readonly bytes: Buffer;
}

/** Wanted names by their length in bytes, so that a key is compared and not made into a string. */
type Matcher = readonly (readonly WantedKey[] | undefined)[];

/** Sets of wanted names are constants of modules; each is prepared once. */
const matchers = new WeakMap<ReadonlySet<string>, Matcher>();

const matcherOf = (wanted: ReadonlySet<string>): Matcher => {
  const known = matchers.get(wanted);
  if (known !== undefined) return known;
  const byLength: WantedKey[][] = [];
  for (const key of wanted) {
    const bytes = Buffer.from(key);
    (byLength[bytes.length] ??= []).push({ key, bytes });
  }
  matchers.set(wanted, byLength);
  return byLength;
};

const equals = (bytes: Buffer, start: number, name: Buffer): boolean => {
  for (let index = 0; index < name.length; index += 1) if (bytes[start + index] !== name[index]) return false;
  return true;
};

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The wanted name that stands between two quotes, escapes resolved; undefined where it is none. */
const keyOf = (bytes: Buffer, start: number, end: number, matcher: Matcher): string | undefined => {
  const candidates = matcher[end - start];
  if (candidates !== undefined) {
    for (const candidate of candidates) if (equals(bytes, start, candidate.bytes)) return candidate.key;
  }
  if (end - start > KEY_BYTES_MAX) return undefined;
  for (let at = start; at < end; at += 1) if (bytes[at] === BACKSLASH) return escapedKeyOf(bytes, start, end, matcher);
  return undefined;
};

const escapedKeyOf = (bytes: Buffer, start: number, end: number, matcher: Matcher): string | undefined => {
  try {
    const key = Buffer.from(JSON.parse(bytes.toString('utf8', start - 1, end + 1)) as string);
    return matcher[key.length]?.find((candidate) => equals(key, 0, candidate.bytes))?.key;
  } catch {
    return undefined;
  }
};

/** Walks the value of a wanted field itself, so that nobody walks it twice: where it ends, or undefined where it is not what was expected and is only stepped over. */
export type EnterField = (key: string, valueStart: number) => number | undefined;

/**
 * The wanted fields of the object that starts at `at`, in order of position; of a key that stands there twice, both (the last wins
 * for a reader). Undefined where no valid object stands there. `wanted` must not change once it was used.
 * @param outer how many containers are open around the object
 */
export const scanObject = (
  body: Uint8Array,
  at: number,
  wanted: ReadonlySet<string>,
  outer = 0,
  enter?: EnterField,
): { fields: FieldSpan[]; end: number } | undefined => {
  const bytes = asBuffer(body);
  at = skipSpace(bytes, at);
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  const matcher = matcherOf(wanted);
  const fields: FieldSpan[] = [];
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_OBJECT) return { fields, end: at + 1 };
  for (;;) {
    const start = at;
    if (bytes[at] !== QUOTE) return undefined;
    const keyEnd = skipString(bytes, at + 1);
    if (keyEnd < 0) return undefined;
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== COLON) return undefined;
    const valueStart = skipSpace(bytes, at + 1);
    const key = keyOf(bytes, start + 1, keyEnd - 1, matcher);
    const walked = key === undefined || enter === undefined ? undefined : enter(key, valueStart);
    const end = walked ?? skipValue(bytes, valueStart, outer + 1);
    if (end < 0) return undefined;
    if (key !== undefined) fields.push({ key, start, end, valueStart, valueEnd: end });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_OBJECT) return { fields, end: at + 1 };
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
};

/**
 * The wanted top-level fields of a body that is one JSON object, in order of position; all spans of a repeated key.
 * @returns undefined where the body is no JSON object, is nested deeper than 512, or has anything behind the object
 */
export const scanTopLevelFields = (
  body: Uint8Array,
  wanted: ReadonlySet<string>,
  enter?: EnterField,
): FieldSpan[] | undefined => {
  const scanned = scanObject(body, 0, wanted, 0, enter);
  return scanned !== undefined && skipSpace(asBuffer(body), scanned.end) === body.length ? scanned.fields : undefined;
};

/** Start and end of each item of the array that starts at `at`. Undefined where no valid array stands there. */
export const scanArray = (body: Uint8Array, at: number, outer = 0): { start: number; end: number }[] | undefined => {
  const items: { start: number; end: number }[] = [];
  const bytes = asBuffer(body);
  const end = walkArray(bytes, at, outer, (start) => {
    const itemEnd = skipValue(bytes, start, outer + 1);
    items.push({ start, end: itemEnd });
    return itemEnd;
  });
  return end === undefined ? undefined : items;
};

/**
 * Where the array that starts at `at` ends; undefined where no valid array stands there.
 * @param item walks one, from its first byte; answers where it ends, below zero where it is no value
 */
export const walkArray = (
  bytes: Buffer,
  at: number,
  outer: number,
  item: (start: number) => number,
): number | undefined => {
  at = skipSpace(bytes, at);
  if (bytes[at] !== OPEN_ARRAY || outer >= JSON_DEPTH_MAX) return undefined;
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_ARRAY) return at + 1;
  for (;;) {
    const end = item(skipSpace(bytes, at));
    if (end < 0) return undefined;
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_ARRAY) return at + 1;
    if (bytes[at] !== COMMA) return undefined;
    at += 1;
  }
};
