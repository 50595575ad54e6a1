// Thoughts in the input of a client of the same dialect. Those that our own translation wrote carry `format` and `signature`, which no provider knows, and may come from
// another kind of provider: such a thought leaves, of the others the two members do. Everything else stays as the client wrote it, byte for byte.
import type { FieldSpan } from '@waystation/contracts';
import { openEnvelope } from '@waystation/dialects';
import { isRecord, textOf, type JsonObject } from '../json-shape.js';
import { isResponsesFormat } from './format.js';

const MARK = '"reasoning"';

const isMarked = (item: unknown): item is JsonObject =>
  isRecord(item) &&
  item['type'] === 'reasoning' &&
  (item['format'] !== undefined || item['signature'] !== undefined || isEnclosed(item));

/** Only what this kind of provider did not make is ever enclosed. */
const isEnclosed = (item: JsonObject): boolean => openEnvelope(textOf(item['encrypted_content'])) !== undefined;

const clean = (item: JsonObject): JsonObject[] => {
  const isOurs = !isEnclosed(item) && isResponsesFormat(textOf(item['format']));
  if (textOf(item['encrypted_content']) === undefined || !isOurs) return [];
  return [Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'format' && key !== 'signature'))];
};

export interface OwnThoughts {
  /** The input, edited. */
  readonly json: string;
  readonly leftOut: boolean;
}

/** Undefined where nothing is to be changed. */
export const ownThoughts = (body: Buffer, span: FieldSpan | undefined): OwnThoughts | undefined => {
  if (span === undefined) return undefined;
  const bytes = body.subarray(span.valueStart, span.valueEnd);
  if (!bytes.includes(MARK)) return undefined;
  const input: unknown = JSON.parse(bytes.toString('utf8')); // the ingress has parsed it
  if (!Array.isArray(input) || !input.some(isMarked)) return undefined;
  const items = (input as unknown[]).flatMap((item) => (isMarked(item) ? clean(item) : [item]));
  return { json: JSON.stringify(items), leftOut: items.length < input.length };
};
