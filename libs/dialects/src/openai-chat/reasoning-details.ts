// `reasoning_details`: what a model thought, in pieces that can go back to it. A piece with a signature or encrypted data returns to its provider byte for byte.
// A signature that belongs to a tool call is an encrypted piece whose id is the call's. Shapes: the reference API, section 8.
import type { ReasoningPart, ToolCallPart } from '@waystation/generation';
import { isObject, type JsonObject } from './check-type.js';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const optional = (detail: JsonObject): { format?: string; id?: string } => {
  const [format, id] = [text(detail['format']), text(detail['id'])];
  return { ...(format === undefined ? {} : { format }), ...(id === undefined ? {} : { id }) };
};

/** Members of a tool call. */
export type CallSeal = Pick<ToolCallPart, 'signature' | 'format'>;

/** Undefined for a thought of its own. */
export const callSealOf = (
  { id, encrypted, format }: Pick<ReasoningPart, 'id' | 'encrypted' | 'format'>,
  callIds: ReadonlySet<string>,
): { readonly callId: string; readonly seal: CallSeal } | undefined =>
  id === undefined || encrypted === undefined || !callIds.has(id)
    ? undefined
    : { callId: id, seal: { signature: encrypted, ...(format === undefined ? {} : { format }) } };

interface Read {
  readonly parts: readonly ReasoningPart[];
  /** What goes back with tool calls, by the call's id. */
  readonly ofCalls: ReadonlyMap<string, CallSeal>;
}

const readDetail = (detail: JsonObject): ReasoningPart | undefined => {
  const signature = text(detail['signature']);
  switch (detail['type']) {
    case 'reasoning.text':
      return {
        type: 'reasoning',
        text: text(detail['text']) ?? '',
        ...optional(detail),
        ...(signature === undefined ? {} : { signature }),
      };
    case 'reasoning.summary':
      return {
        type: 'reasoning',
        text: text(detail['summary']) ?? '',
        ...optional(detail),
        summary: true,
        ...(signature === undefined ? {} : { signature }),
      };
    case 'reasoning.encrypted': {
      const encrypted = text(detail['data']);
      return encrypted === undefined ? undefined : { type: 'reasoning', text: '', ...optional(detail), encrypted };
    }
    default:
      return undefined;
  }
};

/** Pieces of a stream that a client kept one by one belong together where their index does. */
const merge = (parts: readonly { index: unknown; part: ReasoningPart }[]): ReasoningPart[] => {
  const merged: { index: unknown; part: ReasoningPart }[] = [];
  for (const { index, part } of parts) {
    const last = merged.at(-1);
    const joins =
      last !== undefined &&
      index !== undefined &&
      last.index === index &&
      last.part.encrypted === undefined &&
      part.encrypted === undefined &&
      last.part.signature === undefined;
    if (joins) last.part = { ...last.part, ...part, text: last.part.text + part.text };
    else merged.push({ index, part });
  }
  return merged.map(({ part }) => part);
};

/** Details of an assistant's message, in order. `callIds`: ids of its tool calls. */
export const readReasoningDetails = (details: unknown, callIds: ReadonlySet<string>): Read => {
  const ofCalls = new Map<string, CallSeal>();
  const parts: { index: unknown; part: ReasoningPart }[] = [];
  for (const detail of Array.isArray(details) ? details.filter(isObject) : []) {
    const part = readDetail(detail);
    if (part === undefined) continue;
    const ofCall = callSealOf(part, callIds);
    if (ofCall !== undefined) ofCalls.set(ofCall.callId, ofCall.seal);
    else parts.push({ index: detail['index'], part });
  }
  return { parts: merge(parts), ofCalls };
};

const nullable = (value: string | undefined): string => (value === undefined ? 'null' : JSON.stringify(value));

/** JSON of a piece of an answer. */
export const textDetail = (
  index: number,
  words: string,
  { format, id, summary }: { readonly format?: string; readonly id?: string; readonly summary?: boolean },
  signature?: string,
): string =>
  `{"type":${summary === true ? '"reasoning.summary","summary"' : '"reasoning.text","text"'}:${JSON.stringify(words)}` +
  (signature === undefined ? '' : `,"signature":${JSON.stringify(signature)}`) +
  `,"id":${nullable(id)},"format":${JSON.stringify(format ?? 'unknown')},"index":${index}}`;

export const encryptedDetail = (
  index: number,
  data: string,
  { format, id }: { readonly format?: string; readonly id?: string },
): string =>
  `{"type":"reasoning.encrypted","data":${JSON.stringify(data)},"id":${nullable(id)},"format":${JSON.stringify(format ?? 'unknown')},"index":${index}}`;
