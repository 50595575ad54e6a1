// Edits members of a JSON object in its bytes: everything that is not edited stays as it was written, and commas stay right.
import type { FieldSpan } from '@waystation/contracts';
import { skipSpace } from './skip-value.js';

const COMMA = 0x2c;
const CLOSE_OBJECT = 0x7d;

/** Bytes `start`…`end` become `replacement`. */
export interface JsonEdit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string | Uint8Array;
}

/** Applies edits that are sorted by position and do not overlap. */
export const spliceJson = (body: Uint8Array, edits: readonly JsonEdit[]): Buffer => {
  let length = body.length;
  let at = 0;
  for (const { start, end, replacement } of edits) {
    if (start < at || end < start || end > body.length)
      throw new RangeError(`edit ${start}…${end} overlaps another or lies outside of ${body.length} bytes`);
    length += (typeof replacement === 'string' ? Buffer.byteLength(replacement) : replacement.length) - (end - start);
    at = end;
  }
  // One buffer that is written to: a buffer for each piece costs more than its bytes.
  const bytes = asBuffer(body);
  const spliced = Buffer.allocUnsafe(length);
  let to = 0;
  at = 0;
  for (const { start, end, replacement } of edits) {
    to += bytes.copy(spliced, to, at, start);
    if (typeof replacement === 'string') to += spliced.write(replacement, to);
    else {
      spliced.set(replacement, to);
      to += replacement.length;
    }
    at = end;
  }
  bytes.copy(spliced, to, at);
  return spliced;
};

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export interface MemberChanges {
  /** Members to take out with their comma. */
  readonly remove?: readonly FieldSpan[];
  /** New values, as JSON text. */
  readonly replace?: readonly { readonly span: FieldSpan; readonly json: string }[];
  /** Members to put in, in front of the others; the value as JSON text. */
  readonly insert?: readonly { readonly key: string; readonly json: string }[];
}

const skipSpaceBack = (bytes: Buffer, at: number): number => {
  while (at > 0) {
    const byte = bytes[at - 1];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at -= 1;
  }
  return at;
};

/** Ranges that take the members out with the comma behind them, neighbours merged; the last member takes the comma before the run. */
const removals = (bytes: Buffer, spans: readonly FieldSpan[]): { start: number; end: number }[] => {
  const ranges: { start: number; end: number }[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const behind = skipSpace(bytes, span.end);
    const last = bytes[behind] !== COMMA;
    let range = { start: span.start, end: last ? span.end : skipSpace(bytes, behind + 1) };
    const previous = ranges.at(-1);
    if (previous !== undefined && previous.end >= range.start) {
      ranges.pop();
      range = { start: previous.start, end: Math.max(previous.end, range.end) };
    }
    if (last) {
      const before = skipSpaceBack(bytes, range.start);
      if (bytes[before - 1] === COMMA) range.start = before - 1;
    }
    ranges.push(range);
  }
  return ranges;
};

/** Where the object has nothing left between its braces once `ranges` are out. */
const isEmptied = (bytes: Buffer, inside: number, ranges: readonly { start: number; end: number }[]): boolean => {
  let at = skipSpace(bytes, inside);
  for (const range of ranges) if (range.start <= at) at = skipSpace(bytes, Math.max(at, range.end));
  return bytes[at] === CLOSE_OBJECT;
};

/** A member as JSON text: `"key":value`. */
const member = ({ key, json }: { key: string; json: string }): string => `${JSON.stringify(key)}:${json}`;

/**
 * Edits members of the object that starts at `objectStart` (white space before it allowed). Spans must come from a scan of these very bytes.
 * @throws RangeError where spans overlap or lie outside of the body
 */
export const editMembers = (body: Uint8Array, changes: MemberChanges, objectStart = 0): Buffer =>
  spliceJson(body, memberEdits(body, changes, objectStart));

/** The edits that `editMembers` makes, for a caller that makes several in one body. Sorted by position. */
export const memberEdits = (body: Uint8Array, changes: MemberChanges, objectStart = 0): JsonEdit[] => {
  const bytes = asBuffer(body);
  const ranges = changes.remove === undefined ? [] : removals(bytes, changes.remove);
  const edits: JsonEdit[] = ranges.map((range) => ({ ...range, replacement: '' }));
  for (const { span, json } of changes.replace ?? []) {
    edits.push({ start: span.valueStart, end: span.valueEnd, replacement: json });
  }
  if (changes.insert !== undefined && changes.insert.length > 0) {
    const inside = skipSpace(bytes, objectStart) + 1;
    const text = changes.insert.map(member).join(',');
    edits.push({ start: inside, end: inside, replacement: isEmptied(bytes, inside, ranges) ? text : `${text},` });
  }
  return byPosition(edits);
};

/** So few are put in order by hand: a sort of the engine's costs more than all that they do. */
const EDITS_FEW = 32;

/** Sorts them in place; those of one range stay in the order in which they came. */
export const byPosition = (edits: JsonEdit[]): JsonEdit[] => {
  if (edits.length > EDITS_FEW) return edits.sort(compare);
  for (let next = 1; next < edits.length; next += 1) {
    const edit = edits[next];
    let place = next;
    for (let before = edits[place - 1]; edit !== undefined && before !== undefined && compare(before, edit) > 0;) {
      edits[place] = before;
      place -= 1;
      before = edits[place - 1];
    }
    if (edit !== undefined) edits[place] = edit;
  }
  return edits;
};

const compare = (a: JsonEdit, b: JsonEdit): number => a.start - b.start || a.end - b.end;
