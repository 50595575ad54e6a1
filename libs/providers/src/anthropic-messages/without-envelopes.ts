// Thoughts in the messages of a client of the same dialect that another kind of provider made: our own translation enclosed them, and Anthropic would refuse what it did not
// sign. Their blocks leave; every other byte stays as the client wrote it, arguments of tools included.
import {
  ENVELOPE_MARK,
  openEnvelope,
  scanArray,
  scanObject,
  scanTopLevelFields,
  spliceJson,
} from '@waystation/dialects';
import { isRecord, textOf } from '../json-shape.js';

const MESSAGES: ReadonlySet<string> = new Set(['messages']);
const CONTENT: ReadonlySet<string> = new Set(['content']);
/** How many containers are open around a message, and around a block of its content. */
const OUTSIDE = { message: 2, block: 4 } as const;

const isEnclosed = (json: string): boolean => {
  const block: unknown = JSON.parse(json); // the ingress has parsed it
  if (!isRecord(block)) return false;
  return openEnvelope(textOf(block['signature']) ?? textOf(block['data'])) !== undefined;
};

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The items that are kept, as an array; undefined where all are. */
const kept = (
  body: Buffer,
  items: readonly Span[],
  keeps: (item: Span) => string | undefined,
): string[] | undefined => {
  const texts = items.map((item) => keeps(item));
  const isWhole = texts.every((text, at) => text === body.toString('utf8', items[at]?.start, items[at]?.end));
  return isWhole ? undefined : texts.filter((text) => text !== undefined);
};

/** A message without its enclosed blocks; undefined where nothing is left of it. */
const cleanMessage = (body: Buffer, message: Span): string | undefined => {
  const whole = body.toString('utf8', message.start, message.end);
  if (!whole.includes(ENVELOPE_MARK)) return whole;
  const content = scanObject(body, message.start, CONTENT, OUTSIDE.message)?.fields.at(-1);
  const blocks = content && scanArray(body, content.valueStart, OUTSIDE.block - 1);
  if (content === undefined || blocks === undefined) return whole;
  const rest = kept(body, blocks, ({ start, end }) => {
    const json = body.toString('utf8', start, end);
    return json.includes(ENVELOPE_MARK) && isEnclosed(json) ? undefined : json;
  });
  if (rest === undefined) return whole;
  if (rest.length === 0) return undefined;
  return (
    body.toString('utf8', message.start, content.valueStart) +
    `[${rest.join(',')}]` +
    body.toString('utf8', content.valueEnd, message.end)
  );
};

/** Undefined where nothing is to be changed. */
export const withoutEnvelopes = (body: Buffer): Buffer | undefined => {
  if (!body.includes(ENVELOPE_MARK)) return undefined;
  const span = scanTopLevelFields(body, MESSAGES)?.at(-1);
  const messages = span && scanArray(body, span.valueStart, 1);
  if (span === undefined || messages === undefined) return undefined;
  const rest = kept(body, messages, (message) => cleanMessage(body, message));
  if (rest === undefined) return undefined;
  return spliceJson(body, [{ start: span.valueStart, end: span.valueEnd, replacement: `[${rest.join(',')}]` }]);
};
