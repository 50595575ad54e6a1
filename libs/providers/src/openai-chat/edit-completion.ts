// Makes a provider's completion ours, in its bytes: our id, model and provider, the finish reason in the public words with the provider's own
// beside it. Chunks of a stream and whole bodies have the same shape here. Everything else stays byte for byte.
import type { FieldSpan } from '@waystation/contracts';
import {
  byPosition,
  memberEdits,
  scanObject,
  scanTopLevelFields,
  skipValue,
  walkArray,
  type JsonEdit,
} from '@waystation/dialects';
import type { FinishReason } from '@waystation/generation';
import { scanMessage } from './has-meaning.js';
import { chatFinishReason } from '@waystation/dialects';
import { mapFinishReason } from './map-finish-reason.js';

type TopLevelKey =
  | 'id'
  | 'object'
  | 'created'
  | 'model'
  | 'provider'
  | 'system_fingerprint'
  | 'choices'
  | 'usage'
  | 'error'
  | 'service_tier';

/** A completion as it stands in its bytes. Nothing but what is asked for is parsed. */
export interface ScannedCompletion {
  /** All of them, in order of position. */
  readonly spans: readonly FieldSpan[];
  /** Of a key that is there twice, the last. */
  readonly fields: Readonly<Partial<Record<TopLevelKey, FieldSpan>>>;
  /** Undefined where there is no array of them. */
  readonly choices: readonly ScannedChoice[] | undefined;
}

/** A tool call, or a piece of one. */
interface ScannedCall {
  readonly start: number;
  readonly id: string | undefined;
  readonly index: number | undefined;
  readonly typeTold: boolean;
}

export interface ScannedChoice {
  readonly start: number;
  readonly index: number;
  readonly meaningful: boolean;
  readonly calls: readonly ScannedCall[];
  /** Of the whole answer, where Moonshot tells it: https://platform.moonshot.ai/docs/api/chat */
  readonly usage: readonly FieldSpan[];
  readonly finish:
    | {
        readonly span: FieldSpan;
        readonly native: string;
        readonly reason: FinishReason;
        readonly nativeTold: boolean;
      }
    | undefined;
}

const TOP_LEVEL: ReadonlySet<string> = new Set<TopLevelKey>([
  'id',
  'object',
  'created',
  'model',
  'provider',
  'system_fingerprint',
  'choices',
  'usage',
  'error',
  'service_tier',
]);
const CHOICE: ReadonlySet<string> = new Set([
  'index',
  'delta',
  'message',
  'usage',
  'finish_reason',
  'native_finish_reason',
]);
const CALL: ReadonlySet<string> = new Set(['id', 'index', 'type']);
/** How many containers are open around each. */
const OUTSIDE = { choices: 1, choice: 2, message: 3, calls: 4, call: 5 } as const;
const NULL_START = 0x6e;

const isNull = (bytes: Buffer, span: FieldSpan): boolean => bytes[span.valueStart] === NULL_START;

/** The value of a field, or undefined where it is absent or null. @throws SyntaxError inside of broken strings */
export const valueOf = (bytes: Buffer, span: FieldSpan | undefined): unknown =>
  span === undefined || isNull(bytes, span)
    ? undefined
    : JSON.parse(bytes.toString('utf8', span.valueStart, span.valueEnd));

/** https://platform.openai.com/docs/api-reference/chat/object#chat/object-service_tier */
const SERVICE_TIER_CHARS_MAX = 32;

/** The tier that the provider says it served at. */
export const serviceTierOf = (bytes: Buffer, { service_tier }: ScannedCompletion['fields']): string | undefined => {
  const told = valueOf(bytes, service_tier);
  return typeof told === 'string' && told !== '' && told.length <= SERVICE_TIER_CHARS_MAX ? told : undefined;
};

/** Puts the call that starts there behind the others; answers where it ends. */
const walkCall = (bytes: Buffer, start: number, into: ScannedCall[]): number => {
  const scanned = scanObject(bytes, start, CALL, OUTSIDE.call);
  const fields = scanned?.fields ?? [];
  const of = (key: string): unknown =>
    valueOf(
      bytes,
      fields.findLast((field) => field.key === key),
    );
  const [id, index] = [of('id'), of('index')];
  into.push({
    start,
    id: typeof id === 'string' && id !== '' ? id : undefined,
    index: typeof index === 'number' ? index : undefined,
    typeTold: fields.some(({ key }) => key === 'type'),
  });
  return scanned?.end ?? skipValue(bytes, start, OUTSIDE.call);
};

/** Puts the choice that starts there behind the others; answers where it ends. */
const walkChoice = (bytes: Buffer, start: number, into: ScannedChoice[]): number => {
  let meaningful = false;
  let calls: ScannedCall[] = [];
  let finish: FieldSpan | undefined;
  let numbered: FieldSpan | undefined;
  const usage: FieldSpan[] = [];
  let nativeTold = false;
  const scanned = scanObject(bytes, start, CHOICE, OUTSIDE.choice, (key, at) => {
    if (key !== 'message' && key !== 'delta') return undefined;
    // Of two the last counts.
    calls = [];
    const message = scanMessage(bytes, at, OUTSIDE.message, (list) =>
      walkArray(bytes, list, OUTSIDE.calls, (call) => walkCall(bytes, call, calls)),
    );
    meaningful = message?.meaningful ?? false;
    return message?.end;
  });
  for (const field of scanned?.fields ?? []) {
    if (field.key === 'finish_reason') finish = field;
    else if (field.key === 'native_finish_reason') nativeTold = true;
    else if (field.key === 'index') numbered = field;
    else if (field.key === 'usage') usage.push(field);
  }
  const index = valueOf(bytes, numbered);
  const native = valueOf(bytes, finish);
  into.push({
    start,
    index: typeof index === 'number' ? index : 0,
    meaningful,
    calls,
    usage,
    finish:
      finish === undefined || typeof native !== 'string' || native === ''
        ? undefined
        : { span: finish, native, reason: mapFinishReason(native), nativeTold },
  });
  return scanned?.end ?? skipValue(bytes, start, OUTSIDE.choice);
};

/**
 * @returns undefined where the bytes are no JSON object
 * @throws SyntaxError where a string that has to be read is broken
 */
export const scanCompletion = (bytes: Buffer): ScannedCompletion | undefined => {
  let choices: ScannedChoice[] | undefined;
  const spans = scanTopLevelFields(bytes, TOP_LEVEL, (key, at) => {
    if (key !== 'choices') return undefined;
    const found: ScannedChoice[] = [];
    const end = walkArray(bytes, at, OUTSIDE.choices, (choice) => walkChoice(bytes, choice, found));
    choices = end === undefined ? undefined : found;
    return end;
  });
  if (spans === undefined) return undefined;
  const fields: Partial<Record<string, FieldSpan>> = {};
  for (const span of spans) fields[span.key] = span;
  return { spans, fields, choices };
};

/** Whether the completion is an error in disguise: `{"error": …}`, or the `{"object": "error"}` of some engines. */
export const isError = (bytes: Buffer, { error, object }: ScannedCompletion['fields']): boolean => {
  const told = valueOf(bytes, error);
  if (told !== undefined && told !== '' && told !== false) return true;
  return (
    object !== undefined &&
    object.valueEnd - object.valueStart === '"error"'.length &&
    valueOf(bytes, object) === 'error'
  );
};

/** Our fields, as JSON text. */
export interface OwnFields {
  readonly id: string;
  readonly object: string;
  readonly created: string;
  readonly model: string;
  readonly provider: string;
  /** A whole completion has the member always, be it null: so the reference, section 3.1, and clients that validate. */
  readonly system_fingerprint: 'null' | undefined;
}

export const ownFields = (
  terms: { generationId: string; model: string; providerName: string },
  object: 'chat.completion' | 'chat.completion.chunk',
): OwnFields => ({
  id: JSON.stringify(terms.generationId),
  object: JSON.stringify(object),
  // The generation's id carries the time it was made at; nothing else here knows a clock.
  created: String(Number(terms.generationId.slice(4, 14)) || 0),
  model: JSON.stringify(terms.model),
  provider: JSON.stringify(terms.providerName),
  system_fingerprint: object === 'chat.completion' ? 'null' : undefined,
});

const OURS: ReadonlySet<string> = new Set(['id', 'model', 'provider']);
const REQUIRED: readonly (keyof OwnFields)[] = [
  ...(['id', 'object', 'created', 'model', 'provider'] as const),
  'system_fingerprint',
];

/** Puts our fields in, whether the provider's are there (once or more often) or not. */
export const ownEdits = (bytes: Buffer, { spans, fields }: ScannedCompletion, own: OwnFields): JsonEdit[] => {
  const replace: { span: FieldSpan; json: string }[] = [];
  for (const span of spans) {
    const json = OURS.has(span.key) ? own[span.key as keyof OwnFields] : undefined;
    if (json !== undefined) replace.push({ span, json });
  }
  const insert: { key: string; json: string }[] = [];
  for (const key of REQUIRED) {
    const json = fields[key] === undefined ? own[key] : undefined;
    if (json !== undefined) insert.push({ key, json });
  }
  return memberEdits(bytes, { replace, insert });
};

/** Puts the finish reasons into the public words, and the provider's beside them. */
export const finishEdits = ({ choices }: ScannedCompletion): JsonEdit[] =>
  (choices ?? []).flatMap(({ start, finish }) => {
    if (finish === undefined) return [];
    const { span, native, reason, nativeTold } = finish;
    const word = chatFinishReason(reason);
    const edits: JsonEdit[] = [];
    if (!nativeTold)
      edits.push({
        start: start + 1,
        end: start + 1,
        replacement: `"native_finish_reason":${JSON.stringify(native)},`,
      });
    if (word !== native) edits.push({ start: span.valueStart, end: span.valueEnd, replacement: `"${word}"` });
    return edits;
  });

/**
 * Clients need a call's type, and in streams its index, to put the pieces together: both are filled in where the provider leaves them out.
 * @param placeOf where a call of a choice's stream belongs; absent for whole messages, whose calls stand in order
 */
export const callEdits = (
  bytes: Buffer,
  { choices }: ScannedCompletion,
  placeOf?: (choice: number, told: number | undefined, id: string | undefined, position: number) => number,
): JsonEdit[] =>
  (choices ?? []).flatMap(({ index: choice, calls }) =>
    calls.flatMap(({ start, id, index, typeTold }, position) => {
      const place = placeOf?.(choice, index, id, position);
      const insert: { key: string; json: string }[] = [];
      if (place !== undefined && index === undefined) insert.push({ key: 'index', json: String(place) });
      if (!typeTold && id !== undefined) insert.push({ key: 'type', json: '"function"' });
      return insert.length === 0 ? [] : memberEdits(bytes, { insert }, start);
    }),
  );

/** The usage of a chunk, wherever it tells it. */
export const usageOf = (bytes: Buffer, { fields, choices }: ScannedCompletion): unknown =>
  valueOf(bytes, fields.usage) ?? valueOf(bytes, choices?.find(({ usage }) => usage.length > 0)?.usage.at(-1));

/** Takes the usage out; a null as well, since clients that validate know an object or nothing in its place. */
export const usageEdits = (bytes: Buffer, { spans, choices }: ScannedCompletion): JsonEdit[] => {
  const own = spans.filter(({ key }) => key === 'usage');
  const remove = [...own, ...(choices ?? []).flatMap(({ usage }) => usage)];
  return remove.length === 0 ? [] : memberEdits(bytes, { remove });
};

/** In order of position, for one splice. */
export const inOrder = (...edits: readonly JsonEdit[][]): JsonEdit[] => byPosition(edits.flat());
