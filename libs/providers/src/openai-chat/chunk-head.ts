// What all chunks of a stream begin with: everything before the choices is the same in each, so it is edited once and then only compared.
import { spliceJson } from '@waystation/dialects';
import { inOrder, ownEdits, usageEdits, type OwnFields, type ScannedCompletion } from './edit-completion.js';

export interface ChunkHead {
  /** As the provider writes it: from the brace up to `"choices"`. */
  readonly theirs: Buffer;
  /** As we do, `data: ` included. */
  readonly ours: Buffer;
}

/** A longer one is not worth comparing. */
const HEAD_BYTES_MAX = 2_048;
/** Fields that may stand behind the choices without having to be edited there. */
const ANYWHERE: ReadonlySet<string> = new Set([
  'choices',
  'usage',
  'error',
  'object',
  'created',
  'service_tier',
  'system_fingerprint',
]);

/** Undefined where a field that we have to replace stands behind the choices: then each chunk is edited on its own. */
export const learnHead = (bytes: Buffer, chunk: ScannedCompletion, own: OwnFields): ChunkHead | undefined => {
  const end = chunk.fields.choices?.start;
  if (end === undefined || end > HEAD_BYTES_MAX) return undefined;
  if (chunk.fields.id === undefined || chunk.fields.model === undefined) return undefined;
  if (chunk.spans.some((span) => span.end > end && !ANYWHERE.has(span.key))) return undefined;
  const theirs = Buffer.from(bytes.subarray(0, end));
  const edits = inOrder(ownEdits(bytes, chunk, own), usageEdits(bytes, chunk)).filter((edit) => edit.end <= end);
  return { theirs, ours: Buffer.concat([Buffer.from('data: '), spliceJson(theirs, edits)]) };
};

export const startsWith = (bytes: Buffer, start: number, end: number, head: Buffer): boolean =>
  end - start >= head.length && bytes.compare(head, 0, head.length, start, start + head.length) === 0;
