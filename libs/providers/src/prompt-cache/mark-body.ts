// A client's own bytes with marks for the provider's prompt cache in them, where it asks for them: Messages and chat completions alike. Every byte that is not a mark stays as it was written.
import {
  cacheMarkerOf,
  scanArray,
  scanObject,
  scanTopLevelFields,
  spliceJson,
  type JsonEdit,
} from '@waystation/dialects';
import type { CacheMarker } from '@waystation/generation';
import { isRecord } from '../json-shape.js';
import type { Quirks } from '../spec.js';
import { cacheTokensMinOf, placeMarkers, type Piece } from './place-markers.js';

type Ttl = CacheMarker['ttl'];
/** What puts a mark there. */
type Marking = (control: string) => JsonEdit;
type BodyPiece = Piece<Marking>;

interface Span {
  readonly start: number;
  readonly end: number;
}

const PROMPT: ReadonlySet<string> = new Set(['tools', 'system', 'messages']);
const MESSAGE: ReadonlySet<string> = new Set(['role', 'content']);
const CONTROL: ReadonlySet<string> = new Set(['cache_control']);
/** How many containers are open around each. */
const OUTSIDE = { item: 2, content: 3, block: 4 } as const;

/** Blocks that carry marks in one dialect or the other. Thoughts carry none. https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#what-can-be-cached */
const MARKED_BLOCKS: ReadonlySet<unknown> = new Set([
  ...['text', 'image', 'document', 'search_result', 'tool_use', 'tool_result'],
  ...['image_url'],
]);
const MEDIA_BYTES = 3_000;
const MEDIA: ReadonlySet<unknown> = new Set(['image', 'document', 'image_url', 'file', 'input_audio', 'video_url']);

const QUOTE = 0x22;

type Json = Readonly<Record<string, unknown>>;

const controlsOf = (block: Json): Ttl[] => {
  const own = cacheMarkerOf(block['cache_control']);
  const inside = Array.isArray(block['content'])
    ? (block['content'] as unknown[]).filter(isRecord).flatMap((each) => controlsOf(each))
    : [];
  return own === undefined ? inside : [...inside, own.ttl];
};

/** A mark in an object: in the place of one that says nothing, or in front of its members. */
const markObject =
  (body: Buffer, { start }: Span, outside: number): Marking =>
  (control) => {
    const nothing = scanObject(body, start, CONTROL, outside)?.fields.at(-1);
    if (nothing !== undefined) return { start: nothing.valueStart, end: nothing.valueEnd, replacement: control };
    return { start: start + 1, end: start + 1, replacement: `"cache_control":${control},` };
  };

/** A text becomes a list of one block. */
const markText =
  (body: Buffer, { start, end }: Span): Marking =>
  (control) => ({
    start,
    end,
    replacement: `[{"type":"text","text":${body.toString('utf8', start, end)},"cache_control":${control}}]`,
  });

type Place = Pick<BodyPiece, 'section' | 'isAnswer'>;

const blockPiece = (body: Buffer, span: Span, outside: number, place: Place): BodyPiece => {
  const block: unknown = JSON.parse(body.toString('utf8', span.start, span.end)); // the ingress has parsed it
  const { type, text } = isRecord(block) ? block : {};
  return {
    ...place,
    bytes: MEDIA.has(type) ? MEDIA_BYTES : span.end - span.start,
    canBeMarked: place.section === 'tools' || (MARKED_BLOCKS.has(type) && text !== ''),
    marks: isRecord(block) ? controlsOf(block) : [],
    handle: markObject(body, span, outside),
  };
};

/** Of a text, or of a list of blocks. */
const contentPieces = (body: Buffer, span: Span, outside: number, place: Place): BodyPiece[] => {
  if (body[span.start] === QUOTE) {
    const bytes = span.end - span.start - 2;
    return [{ ...place, bytes, canBeMarked: bytes > 0, marks: [], handle: markText(body, span) }];
  }
  return (scanArray(body, span.start, outside) ?? []).map((block) => blockPiece(body, block, outside + 1, place));
};

const valueOf = (body: Buffer, span: Span | undefined): string =>
  span === undefined ? '' : body.toString('utf8', span.start, span.end);

const messagePieces = (body: Buffer, messages: readonly Span[]): BodyPiece[] => {
  const pieces: BodyPiece[] = [];
  let hasBegun = false;
  for (const message of messages) {
    const fields = scanObject(body, message.start, MESSAGE, OUTSIDE.item)?.fields ?? [];
    const spanOf = (key: string): Span | undefined => {
      const field = fields.findLast((each) => each.key === key);
      return field && { start: field.valueStart, end: field.valueEnd };
    };
    const role = valueOf(body, spanOf('role'));
    const content = spanOf('content');
    hasBegun ||= role !== '"system"' && role !== '"developer"';
    if (content === undefined) continue;
    const place: Place = {
      section: hasBegun ? 'conversation' : 'instructions',
      isAnswer: role === '"assistant"',
    };
    pieces.push(...contentPieces(body, content, OUTSIDE.content, place));
  }
  return pieces;
};

const piecesOf = (body: Buffer): BodyPiece[] => {
  const fields = scanTopLevelFields(body, PROMPT) ?? [];
  const spanOf = (key: string): Span | undefined => {
    const field = fields.findLast((each) => each.key === key);
    return field && { start: field.valueStart, end: field.valueEnd };
  };
  const itemsOf = (span: Span | undefined): Span[] => (span && scanArray(body, span.start, 1)) ?? [];
  const system = spanOf('system');
  return [
    ...itemsOf(spanOf('tools')).map((tool) =>
      blockPiece(body, tool, OUTSIDE.item, { section: 'tools', isAnswer: false }),
    ),
    ...(system === undefined ? [] : contentPieces(body, system, 1, { section: 'instructions', isAnswer: false })),
    ...messagePieces(body, itemsOf(spanOf('messages'))),
  ];
};

const controlJson = (ttl: Ttl): string => (ttl === '1h' ? '{"type":"ephemeral","ttl":"1h"}' : '{"type":"ephemeral"}');

/**
 * The same bytes where there is nothing to mark.
 * @param asked the value of the client's `cache_control`
 */
export const markBody = (
  body: Buffer,
  asked: unknown,
  quirks: Quirks,
  { marksTools }: { readonly marksTools: boolean },
): Buffer => {
  const marker = cacheMarkerOf(asked);
  if (marker === undefined) return body;
  const placed = placeMarkers(piecesOf(body), { ttl: marker.ttl, tokensMin: cacheTokensMinOf(quirks), marksTools });
  if (placed.size === 0) return body;
  const edits = [...placed].map(([mark, ttl]) => mark(controlJson(ttl)));
  return spliceJson(
    body,
    edits.sort((one, other) => one.start - other.start),
  );
};
