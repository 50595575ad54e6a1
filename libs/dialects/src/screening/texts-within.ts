// Every text that a person or a model may have written in a document of JSON, where it stands in its bytes: what content filters look at, and all they may replace. Whatever is not known
// to be something else is a text. Works on requests, answers and events of all dialects alike, since what they hold besides texts has the same few names everywhere.
import { JSON_DEPTH_MAX, skipSpace, skipString, skipValue } from '../json/skip-value.js';
import { scanObject } from '../json/scan-top-level.js';
import type { ByteSpan } from '../json/find-at-path.js';

export interface FoundText extends ByteSpan {
  readonly text: string;
  /** Of the message that it stands in. */
  readonly role: string | undefined;
  /** The same for all pieces of one text of a stream. */
  readonly channel: string;
  /** A piece that others follow. */
  readonly isPiece: boolean;
}
export interface TextsWithin {
  readonly texts: readonly FoundText[];
  /** Where probabilities of tokens stand, which say the text once more. */
  readonly logprobs: readonly ByteSpan[];
  /** Some of the prompt is numbers of tokens, which nobody here can read. */
  readonly hasTokens: boolean;
}

/** What of a request is said to a model. Definitions of tools and formats of answers are not. */
export const PROMPT_ROOTS: ReadonlySet<string> = new Set([
  ...['messages', 'system', 'input', 'instructions', 'prompt', 'suffix', 'query', 'documents'],
]);

/** Names of what is no text, in whatever dialect: words of the protocol, ids, and bytes. */
const NO_TEXTS: ReadonlySet<string> = new Set([
  ...['type', 'role', 'object', 'id', 'model', 'status', 'phase', 'detail', 'format', 'media_type', 'service_tier'],
  ...['call_id', 'tool_call_id', 'tool_use_id', 'file_id', 'item_id', 'response_id', 'previous_response_id', 'hash'],
  ...['finish_reason', 'native_finish_reason', 'stop_reason', 'system_fingerprint', 'provider', 'ttl', 'effort'],
  ...['signature', 'encrypted_content', 'b64_json', 'obfuscation'],
]);
const SCOPE: ReadonlySet<string> = new Set(['type', 'role', 'index', 'output_index', 'content_index', 'summary_index']);
/** Deeper objects are not asked whose they are: each asking reads all of the object. */
const SCOPE_DEPTH_MAX = 10;
const DATA_HEAD_CHARACTERS = 256;

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const N = 0x6e;

interface Place {
  readonly path: string;
  readonly key: string;
  readonly scope: string;
  readonly role: string | undefined;
  readonly type: string | undefined;
  readonly isMessage: boolean;
  readonly depth: number;
}

const parsed = (bytes: Buffer, start: number, end: number): string | undefined => {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    return typeof value === 'string' ? value : String(value);
  } catch {
    return undefined;
  }
};

const isData = (text: string): boolean =>
  text.startsWith('data:') && text.slice(0, DATA_HEAD_CHARACTERS).includes(';base64,');

const PIECE = /(?:^|\.)delta(?:\.|$)/;
const TOKENS = /^(?:input|prompt)$/;

class Walk {
  readonly texts: FoundText[] = [];
  readonly logprobs: ByteSpan[] = [];
  hasTokens = false;

  constructor(
    private readonly bytes: Buffer,
    private readonly roots: ReadonlySet<string> | undefined,
  ) {}

  /** Where the value ends, or -1 where there is none. */
  value(at: number, place: Place): number {
    if (place.depth > JSON_DEPTH_MAX) return -1;
    at = skipSpace(this.bytes, at);
    switch (this.bytes[at]) {
      case QUOTE:
        return this.#text(at, place);
      case OPEN_OBJECT:
        return this.#object(at, place);
      case OPEN_ARRAY:
        return this.#array(at, place);
      default:
        return skipValue(this.bytes, at, place.depth);
    }
  }

  #text(start: number, { path, key, scope, role, type, isMessage }: Place): number {
    const end = skipString(this.bytes, start + 1);
    if (end < 0) return -1;
    if (NO_TEXTS.has(key) || (key === 'data' && type !== 'text') || (key === 'name' && !isMessage)) return end;
    const text = parsed(this.bytes, start, end);
    if (text === undefined) return -1;
    const isPiece = PIECE.test(path) || path === 'choices.text';
    if (text !== '' && !isData(text)) this.texts.push({ start, end, text, role, channel: `${path} ${scope}`, isPiece });
    return end;
  }

  #scopeOf(at: number, place: Place): Pick<Place, 'scope' | 'role' | 'type' | 'isMessage'> | undefined {
    if (place.depth > SCOPE_DEPTH_MAX)
      return { scope: place.scope, role: place.role, type: undefined, isMessage: false };
    const fields = scanObject(this.bytes, at, SCOPE, place.depth)?.fields;
    if (fields === undefined) return undefined;
    const said = new Map(
      fields.map(({ key, valueStart, valueEnd }) => [key, parsed(this.bytes, valueStart, valueEnd)]),
    );
    const role = said.get('role');
    const own = [...SCOPE].filter((name) => name !== 'role').map((name) => said.get(name) ?? '');
    return {
      scope: `${place.scope}/${own.join(',')}`,
      role: role ?? place.role,
      type: said.get('type'),
      isMessage: role !== undefined,
    };
  }

  #object(at: number, place: Place): number {
    const { bytes } = this;
    const scope = this.#scopeOf(at, place);
    if (scope === undefined) return -1;
    at = skipSpace(bytes, at + 1);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      if (bytes[at] !== QUOTE) return -1;
      const keyEnd = skipString(bytes, at + 1);
      const key = keyEnd < 0 ? undefined : parsed(bytes, at, keyEnd);
      if (key === undefined) return -1;
      // Behind the colon: that it is there, scanning the object has shown, or skipping the value will.
      const start = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
      const isWanted = place.depth > 0 || this.roots === undefined || this.roots.has(key);
      const path = place.path === '' ? key : `${place.path}.${key}`;
      const within = { ...scope, path, key, depth: place.depth + 1 };
      if (key === 'logprobs' && bytes[start] !== N)
        this.logprobs.push({ start, end: skipValue(bytes, start, place.depth + 1) });
      const end = isWanted && key !== 'logprobs' ? this.value(start, within) : skipValue(bytes, start, place.depth + 1);
      if (end < 0) return -1;
      at = skipSpace(bytes, end);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at = skipSpace(bytes, at + 1);
    }
  }

  #array(at: number, place: Place): number {
    const { bytes } = this;
    at = skipSpace(bytes, at + 1);
    if (bytes[at] === CLOSE_ARRAY) return at + 1;
    for (;;) {
      const first = bytes[skipSpace(bytes, at)] ?? 0;
      if (TOKENS.test(place.path) && first >= 0x30 && first <= 0x39) this.hasTokens = true;
      const end = this.value(at, { ...place, depth: place.depth + 1 });
      if (end < 0) return -1;
      at = skipSpace(bytes, end);
      if (bytes[at] === CLOSE_ARRAY) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at += 1;
    }
  }
}

const TOP: Place = { path: '', key: '', scope: '', role: undefined, type: undefined, isMessage: false, depth: 0 };

/**
 * In order of position. Undefined where no document of JSON stands there.
 * @param roots of an object: its only members that are looked into. Absent: all
 */
export const textsWithin = (bytes: Buffer, roots?: ReadonlySet<string>, at = 0): TextsWithin | undefined => {
  const walk = new Walk(bytes, roots);
  return walk.value(at, TOP) < 0 ? undefined : walk;
};
