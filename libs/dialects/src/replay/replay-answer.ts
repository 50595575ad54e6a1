// An answer that was given before, made the answer to another generation: its id, its time, and no usage, since nobody generated anything. Works on what deliveries are
// given: a whole body, or the events of a stream in any of our dialects. Everything else stays byte for byte.
// https://openrouter.ai/docs/guides/features/response-caching: id and created of each chunk are those of the new generation.
import type { FieldSpan } from '@waystation/contracts';
import { spliceJson, type JsonEdit } from '../json/edit-members.js';
import { scanObject, scanTopLevelFields } from '../json/scan-top-level.js';

export interface Replay {
  readonly stream: boolean;
  /** Id of the generation whose answer it was. */
  readonly from: string;
  readonly to: string;
  readonly createdSeconds: number;
}

const HEAD: ReadonlySet<string> = new Set(['created', 'created_at', 'response', 'message']);
const RESPONSE: ReadonlySet<string> = new Set(['created_at']);
const MESSAGE: ReadonlySet<string> = new Set(['usage']);

/** Input is counted in the first event of a Messages stream already. https://docs.anthropic.com/en/docs/build-with-claude/streaming */
const NO_MESSAGE_USAGE =
  '{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}';

const OPEN_OBJECT = 0x7b;
const DIGIT = /^\d+(?:\.\d+)?$/;

/** Where a time stands, and not something else of the same name. */
const isTime = (json: Buffer, { valueStart, valueEnd }: FieldSpan): boolean =>
  DIGIT.test(json.toString('latin1', valueStart, valueEnd));

const editsOf = (json: Buffer, field: FieldSpan, createdSeconds: number): JsonEdit[] => {
  const { key, valueStart, valueEnd } = field;
  if (key === 'created' || key === 'created_at')
    return isTime(json, field) ? [{ start: valueStart, end: valueEnd, replacement: String(createdSeconds) }] : [];
  if (json[valueStart] !== OPEN_OBJECT) return [];
  const inner = scanObject(json, valueStart, key === 'response' ? RESPONSE : MESSAGE)?.fields ?? [];
  return inner.flatMap((each) =>
    each.key === 'usage'
      ? [{ start: each.valueStart, end: each.valueEnd, replacement: NO_MESSAGE_USAGE }]
      : editsOf(json, each, createdSeconds),
  );
};

const withNewTime = (json: Buffer, createdSeconds: number): Buffer => {
  const edits = (scanTopLevelFields(json, HEAD) ?? []).flatMap((field) => editsOf(json, field, createdSeconds));
  return edits.length === 0 ? json : spliceJson(json, edits);
};

const withNewId = (bytes: Buffer, from: string, to: string): Buffer => {
  if (!bytes.includes(from)) return bytes;
  const parts: Buffer[] = [];
  const id = Buffer.from(to);
  let at = 0;
  for (let found = bytes.indexOf(from); found >= 0; found = bytes.indexOf(from, at)) {
    parts.push(bytes.subarray(at, found), id);
    at = found + Buffer.byteLength(from);
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
};

const DATA = Buffer.from('data: ');
const NEWLINE = 0x0a;

/** Line by line: our events have their JSON on one. */
const streamWithNewTime = (bytes: Buffer, createdSeconds: number): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    const jsonStart = at + DATA.length;
    const isData = bytes.compare(DATA, 0, DATA.length, at, Math.min(jsonStart, end)) === 0;
    if (isData) parts.push(DATA, withNewTime(bytes.subarray(jsonStart, end), createdSeconds));
    else parts.push(bytes.subarray(at, end));
    if (newline >= 0) parts.push(bytes.subarray(newline, newline + 1));
    at = end + 1;
  }
  return Buffer.concat(parts);
};

export const replayAnswer = (bytes: Buffer, { stream, from, to, createdSeconds }: Replay): Buffer => {
  const renamed = withNewId(bytes, from, to);
  return stream ? streamWithNewTime(renamed, createdSeconds) : withNewTime(renamed, createdSeconds);
};
