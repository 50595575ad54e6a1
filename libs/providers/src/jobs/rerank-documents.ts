// The documents of a rerank request for rerankers of text. The ingress checked their shape.
import { isRecord, textOf } from '../json-shape.js';
import { cannotTake } from './embeddings-input.js';

export const documentsOf = (documents: unknown): readonly unknown[] => (Array.isArray(documents) ? documents : []);

/** @throws WaystationError `invalid_request` where one has an image */
export const textDocuments = (documents: readonly unknown[]): string[] =>
  documents.map((document, index) => {
    if (!isRecord(document)) return String(document);
    const text = textOf(document['text']);
    if (text === undefined || textOf(document['image']) !== undefined)
      throw cannotTake(`documents[${index}]`, 'ranks text, not images');
    return text;
  });
