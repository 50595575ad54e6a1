// The `input` of an embeddings request as one kind of thing, for dialects that have another word for each kind. The ingress checked its shape.
import { WaystationError } from '@waystation/contracts';
import { isRecord, recordOf, recordsOf, textOf } from '../json-shape.js';

/** A part of an input that is more than text. */
export type InputPart =
  | { readonly type: 'text'; readonly text: string }
  /** An http(s) address or a data URL. */
  | { readonly type: 'image'; readonly url: string };

export type EmbeddingsInput =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'parts'; readonly inputs: readonly (readonly InputPart[])[] };

export const cannotTake = (field: string, what: string): WaystationError =>
  new WaystationError('invalid_request', `${field}: the endpoint that would serve this ${what}.`, {
    details: { field },
  });

const partOf = (part: unknown, field: string): InputPart => {
  const { type, text, image_url: image } = recordOf(part);
  if (type === 'text') return { type, text: textOf(text) ?? '' };
  const url = type === 'image_url' ? textOf(recordOf(image)['url']) : undefined;
  if (url === undefined) throw cannotTake(field, 'takes text and images only');
  return { type: 'image', url };
};

/** @throws WaystationError `invalid_request` for lists of tokens: they mean something to one tokenizer only */
export const embeddingsInput = (input: unknown): EmbeddingsInput => {
  if (typeof input === 'string') return { kind: 'texts', texts: [input] };
  const items: readonly unknown[] = Array.isArray(input) ? input : [];
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length === items.length) return { kind: 'texts', texts };
  if (!items.every(isRecord)) throw cannotTake('input', 'takes text, not tokens');
  return {
    kind: 'parts',
    inputs: items.map((item, index) =>
      recordsOf(item['content']).map((part, at) => partOf(part, `input[${index}].content[${at}]`)),
    ),
  };
};
