// What a rerank request asks: checks query and documents, and bounds what a provider can count of them. Nothing of their text is kept.
import { isObject, refuse, typeOf } from '../openai-chat/check-type.js';
import type { Modality } from '../openai-chat/measure-messages.js';
import { measureTokens } from '../request/measure-tokens.js';

/** https://docs.cohere.com/reference/rerank: the most that a provider takes. */
export const DOCUMENTS_MAX = 10_000;
const CHARACTERS_PER_TOKEN = 4;

/**
 * https://cohere.com/pricing: a search unit is a query with up to 100 documents; documents of more than 500 tokens, the query counted in, are split, and each
 * piece counts as one. No document is read beyond 4,096 tokens (`max_tokens_per_doc`). A query that leaves less than half of a piece is taken to leave half.
 */
const UNIT = { documents: 100, pieceTokens: 500, pieceTokensMin: 250, documentTokensMax: 4_096 } as const;

export interface RerankMeasures {
  readonly inputs: number;
  readonly images: number;
  readonly modalities: ReadonlySet<Modality>;
  readonly tokens: { readonly max: number; readonly estimate: number; readonly longest: number };
  readonly pieces: { readonly searchUnits: number };
}

const aText = (field: string, value: unknown): string => {
  if (typeof value !== 'string') return refuse(field, `Expected string, received ${typeOf(value)}`);
  return value === '' ? refuse(field, 'String must contain at least 1 character(s)') : value;
};

interface Document {
  readonly text: string;
  readonly image: string | undefined;
}

const documentOf = (field: string, value: unknown): Document => {
  if (typeof value === 'string') return { text: aText(field, value), image: undefined };
  if (!isObject(value)) return refuse(field, `Expected string or object, received ${typeOf(value)}`);
  const { text, image } = value;
  const [hasText, hasImage] = [text !== undefined && text !== null, image !== undefined && image !== null];
  if (!hasText && !hasImage) return refuse(field, 'Expected an object with `text` or `image`');
  return {
    text: hasText ? aText(`${field}.text`, text) : '',
    image: hasImage ? aText(`${field}.image`, image) : undefined,
  };
};

/** @throws WaystationError `invalid_request` that names the document */
export const measureRerank = (query: unknown, documents: unknown): RerankMeasures => {
  if (query === undefined || query === null) return refuse('query', 'Invalid request: query is required');
  const asked = aText('query', query);
  if (documents === undefined || documents === null)
    return refuse('documents', 'Invalid request: documents is required');
  if (!Array.isArray(documents)) return refuse('documents', `Expected array, received ${typeOf(documents)}`);
  if (documents.length === 0) return refuse('documents', 'Array must contain at least 1 element(s)');
  if (documents.length > DOCUMENTS_MAX)
    return refuse('documents', `Array must contain at most ${DOCUMENTS_MAX} element(s), received ${documents.length}`);

  const queryBytes = Buffer.byteLength(asked);
  const pieceTokens = Math.max(UNIT.pieceTokensMin, UNIT.pieceTokens - queryBytes);
  let [bytes, characters, longest, images, pieces] = [0, 0, 0, 0, 0];
  for (const [index, value] of (documents as unknown[]).entries()) {
    const { text, image } = documentOf(`documents[${index}]`, value);
    const textBytes = Buffer.byteLength(text);
    bytes += textBytes;
    characters += text.length;
    longest = Math.max(longest, text.length);
    if (image !== undefined) images += 1;
    pieces += Math.max(1, Math.ceil(Math.min(textBytes, UNIT.documentTokensMax) / pieceTokens));
  }
  const count = documents.length;
  const tokensOf = (length: number): number => Math.ceil(length / CHARACTERS_PER_TOKEN);
  // Where tokens are billed, the query is counted with each document.
  const most = { messageCount: count, mediaCharacters: 0, images, unbounded: false };
  return {
    inputs: count,
    images,
    modalities: new Set<Modality>(images === 0 ? ['text'] : ['text', 'image']),
    tokens: {
      max: measureTokens(queryBytes * count + bytes, most, 0).max,
      estimate: tokensOf(asked.length * count + characters),
      longest: tokensOf(asked.length + longest),
    },
    pieces: { searchUnits: Math.ceil(pieces / UNIT.documents) },
  };
};
