// Makes a provider's completion ours, in its bytes: our id, model and provider, the finish reason in the public words with the provider's own
// beside it. Chunks of a stream and whole bodies have the same shape here. Everything else stays byte for byte.
import type { FieldSpan } from '@waystation/contracts';
import {
  memberEdits,
  scanArray,
  scanObject,
  scanTopLevelFields,
  spliceJson,
  type JsonEdit,
} from '@waystation/dialects';
import type { FinishReason } from '@waystation/generation';
import { hasMeaning } from './has-meaning.js';
import { chatFinishReason, mapFinishReason } from './map-finish-reason.js';

/** Our fields, as JSON text. */
export interface OwnFields {
  readonly id: string;
  readonly model: string;
  readonly provider: string;
  readonly object: string;
  readonly created: string;
}

export interface ReadCompletion {
  readonly fields: ReadonlyMap<string, FieldSpan>;
  readonly choices: readonly ReadChoice[] | undefined;
  readonly edits: readonly JsonEdit[];
}

export interface ReadChoice {
  readonly meaningful: boolean;
  readonly finish?: { readonly native: string; readonly reason: FinishReason };
}

const TOP_LEVEL: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'provider',
  'choices',
  'usage',
  'error',
]);
const CHOICE: ReadonlySet<string> = new Set(['delta', 'message', 'finish_reason', 'native_finish_reason']);

const parseSpan = (bytes: Buffer, span: FieldSpan): unknown =>
  JSON.parse(bytes.toString('utf8', span.valueStart, span.valueEnd));

/** The value of a field, or undefined where it is absent or null. @throws SyntaxError inside of broken strings */
export const valueOf = (bytes: Buffer, span: FieldSpan | undefined): unknown =>
  span === undefined ? undefined : (parseSpan(bytes, span) ?? undefined);

const readChoice = (bytes: Buffer, at: number, edits: JsonEdit[]): ReadChoice => {
  const fields = scanObject(bytes, at, CHOICE)?.fields ?? [];
  const last = (key: string): FieldSpan | undefined => fields.findLast((field) => field.key === key);
  const content = last('delta') ?? last('message');
  const meaningful = content !== undefined && hasMeaning(bytes, content.valueStart);
  const finishSpan = last('finish_reason');
  const native = valueOf(bytes, finishSpan);
  if (finishSpan === undefined || typeof native !== 'string' || native === '') return { meaningful };
  const reason = mapFinishReason(native);
  const word = chatFinishReason(reason);
  edits.push(
    ...memberEdits(
      bytes,
      {
        replace: word === native ? [] : [{ span: finishSpan, json: JSON.stringify(word) }],
        insert:
          last('native_finish_reason') === undefined
            ? [{ key: 'native_finish_reason', json: JSON.stringify(native) }]
            : [],
      },
      at,
    ),
  );
  return { meaningful, finish: { native, reason } };
};

/** Whether the completion is an error in disguise: `{"error": …}`, or the `{"object": "error"}` of some engines. */
export const isError = (bytes: Buffer, fields: ReadonlyMap<string, FieldSpan>): boolean => {
  const error = valueOf(bytes, fields.get('error'));
  return (error !== undefined && error !== '' && error !== false) || valueOf(bytes, fields.get('object')) === 'error';
};

/** Edits that put our fields in, whether the provider's are there (once or more often) or not. */
const ownEdits = (
  bytes: Buffer,
  spans: readonly FieldSpan[],
  own: OwnFields,
  remove: readonly FieldSpan[],
): JsonEdit[] => {
  const present = new Set(spans.map((span) => span.key));
  const json: Readonly<Record<string, string>> = { id: own.id, model: own.model, provider: own.provider };
  return memberEdits(bytes, {
    remove,
    replace: spans.flatMap((span) => {
      const text = json[span.key];
      return text === undefined ? [] : [{ span, json: text }];
    }),
    insert: (['id', 'object', 'created', 'model', 'provider'] as const).flatMap((key) =>
      present.has(key) ? [] : [{ key, json: own[key] }],
    ),
  });
};

/**
 * Reads the completion in `bytes` and says how to make it ours.
 * @param removeUsage takes `usage` out, as the chunks of a stream need it
 * @returns undefined where the bytes are no JSON object
 * @throws SyntaxError where a string that has to be read is broken
 */
export const readCompletion = (bytes: Buffer, own: OwnFields, removeUsage: boolean): ReadCompletion | undefined => {
  const spans = scanTopLevelFields(bytes, TOP_LEVEL);
  if (spans === undefined) return undefined;
  const fields = new Map(spans.map((span) => [span.key, span]));
  const edits: JsonEdit[] = [];
  const choicesSpan = fields.get('choices');
  const choices =
    choicesSpan === undefined
      ? undefined
      : scanArray(bytes, choicesSpan.valueStart)?.map((item) => readChoice(bytes, item.start, edits));
  const isNull = (span: FieldSpan): boolean => bytes[span.valueStart] === 0x6e;
  const remove = removeUsage ? spans.filter((span) => span.key === 'usage' && !isNull(span)) : [];
  edits.push(...ownEdits(bytes, spans, own, remove));
  edits.sort((a, b) => a.start - b.start || a.end - b.end);
  return { fields, choices, edits };
};

/** What every chunk of a provider starts with, and what ours start with instead. */
export interface ChunkHead {
  readonly theirs: Buffer;
  readonly ours: Buffer;
}

/** A longer one is not worth comparing. */
const HEAD_BYTES_MAX = 2_048;

/**
 * Learns the head from a chunk: all before its choices, if our fields are all in there. Where the rest of a later chunk is an ordinary delta,
 * a new head is all the editing it needs.
 */
export const learnHead = (bytes: Buffer, read: ReadCompletion): ChunkHead | undefined => {
  const end = read.fields.get('choices')?.start;
  const spans = [...read.fields.values()];
  const belongsInHead = (key: string): boolean => !['choices', 'usage', 'error', 'object', 'created'].includes(key);
  if (end === undefined || end > HEAD_BYTES_MAX) return undefined;
  if (!read.fields.has('id') || !read.fields.has('model')) return undefined;
  if (spans.some((span) => belongsInHead(span.key) && span.end > end)) return undefined;
  const theirs = Buffer.from(bytes.subarray(0, end));
  const inHead = read.edits.filter((edit) => edit.end <= end);
  return { theirs, ours: Buffer.concat([Buffer.from('data: '), spliceJson(theirs, inHead)]) };
};

export const startsWith = (bytes: Buffer, start: number, end: number, head: Buffer): boolean =>
  end - start >= head.length && bytes.compare(head, 0, head.length, start, start + head.length) === 0;

/** The fields with the values that stand for what the provider forgot. */
export const ownFields = (
  terms: { generationId: string; model: string; providerName: string },
  object: string,
): OwnFields => ({
  id: JSON.stringify(terms.generationId),
  model: JSON.stringify(terms.model),
  provider: JSON.stringify(terms.providerName),
  object: JSON.stringify(object),
  // The generation's id carries the time it was made at; nothing else here knows a clock.
  created: String(Number(terms.generationId.slice(4, 14)) || 0),
});
