// Where a prompt is to be marked for the provider's cache, as a provider that wants marks reads it: tools, instructions, conversation. Pure, and of no dialect.
// Invariants: with the client's own there are never more than the provider takes; none of the client's is moved, dropped or repeated; no mark that is kept an hour stands behind one that is
// kept for minutes, which Anthropic refuses. https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
import type { CacheMarker } from '@waystation/generation';

type Ttl = CacheMarker['ttl'];

/** Anthropic's and Bedrock's most. */
export const MARKERS_MAX = 4;
/** The least that most models cache, where the catalog says nothing. */
export const CACHE_TOKENS_MIN = 1_024;
/** Few enough that a prompt in any language is taken for long as soon as it may be: a mark that is too early costs nothing, one that is missing costs the cache. */
const BYTES_PER_TOKEN = 3;

/** A part of the prompt that may carry a mark. */
export interface Piece<Handle> {
  readonly section: 'tools' | 'instructions' | 'conversation';
  /** By the model itself. */
  readonly isAnswer: boolean;
  readonly bytes: number;
  readonly canBeMarked: boolean;
  /** Of the client. */
  readonly marks: readonly Ttl[];
  /** By which the caller knows it again. */
  readonly handle: Handle;
}

export interface Placing {
  readonly ttl: Ttl;
  /** Shorter prompts are not cached there. */
  readonly tokensMin: number;
  /** Whether definitions of tools can be marked. */
  readonly marksTools: boolean;
}

/** The quirk that says it. */
export const cacheTokensMinOf = (quirks: Readonly<Record<string, unknown>>): number => {
  const told = quirks['cacheTokensMin'];
  return typeof told === 'number' && told >= 0 ? told : CACHE_TOKENS_MIN;
};

const lastWhere = <Handle>(
  pieces: readonly Piece<Handle>[],
  before: number,
  holds: (piece: Piece<Handle>) => boolean,
): number => pieces.slice(0, Math.max(0, before)).findLastIndex(holds);

/**
 * The places worth a mark, the most useful first: the end of what was said to the model, the end of its instructions, where the turn before ended (which the request before marked: caches
 * look back only so far), the end of the tools.
 */
const placesOf = <Handle>(pieces: readonly Piece<Handle>[], { marksTools }: Placing): number[] => {
  const isSaid = ({ section, isAnswer, canBeMarked }: Piece<Handle>): boolean =>
    section === 'conversation' && !isAnswer && canBeMarked;
  const last = lastWhere(pieces, pieces.length, isSaid);
  const answer = lastWhere(pieces, last, ({ isAnswer }) => isAnswer);
  const endOf = (wanted: Piece<Handle>['section']): number =>
    lastWhere(pieces, pieces.length, ({ section, canBeMarked }) => section === wanted && canBeMarked);
  return [
    last,
    endOf('instructions'),
    lastWhere(pieces, answer, isSaid),
    ...(marksTools ? [endOf('tools')] : []),
  ].filter((place) => place >= 0);
};

/** How long a mark at this place is kept, between those of the client. */
const ttlAt = <Handle>(pieces: readonly Piece<Handle>[], place: number, asked: Ttl): Ttl => {
  if (pieces.slice(place + 1).some(({ marks }) => marks.includes('1h'))) return '1h';
  return pieces.slice(0, place).some(({ marks }) => marks.includes('5m')) ? '5m' : asked;
};

/** What is to be marked, and for how long. Empty where the client has used up all marks, or the prompt is too short to be cached. */
export const placeMarkers = <Handle>(pieces: readonly Piece<Handle>[], placing: Placing): Map<Handle, Ttl> => {
  const bytesMin = placing.tokensMin * BYTES_PER_TOKEN;
  let bytes = 0;
  const bytesUntil = pieces.map((piece) => (bytes += piece.bytes));
  let room = MARKERS_MAX - pieces.reduce((sum, { marks }) => sum + marks.length, 0);
  const placed = new Map<Handle, Ttl>();
  for (const place of placesOf(pieces, placing)) {
    const piece = pieces[place];
    if (room <= 0 || piece === undefined) break;
    if (piece.marks.length > 0 || placed.has(piece.handle) || (bytesUntil[place] ?? 0) < bytesMin) continue;
    placed.set(piece.handle, ttlAt(pieces, place, placing.ttl));
    room -= 1;
  }
  return placed;
};
