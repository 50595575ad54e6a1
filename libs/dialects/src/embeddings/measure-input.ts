// One walk over the `input` of an embeddings request: checks its shape, and measures what routing and holds need. Nothing of its text is kept.
// The reference has five shapes: a text, texts, tokens, lists of tokens, and objects with content of several kinds.
import { isObject, refuse, typeOf } from '../openai-chat/check-type.js';
import { measureContent, type ContentMeasures, type Modality } from '../openai-chat/measure-messages.js';
import { measureTokens } from '../request/measure-tokens.js';

/** https://platform.openai.com/docs/api-reference/embeddings/create: more inputs nobody takes. */
export const INPUTS_MAX = 2_048;
const TOKENS_MAX = 1_000_000;
const CHARACTERS_PER_TOKEN = 4;

export interface InputMeasures {
  readonly inputs: number;
  readonly images: number;
  readonly modalities: ReadonlySet<Modality>;
  readonly tokens: { readonly max: number; readonly estimate: number; readonly longest: number };
}

interface Counted extends ContentMeasures {
  inputs: number;
  /** Of inputs that are lists of tokens; undefined where they are text. */
  tokens: number | undefined;
  longest: number;
  readonly seen: Set<Modality>;
}

const counted = (inputs: number): Counted => ({
  ...{ inputs, tokens: undefined, longest: 0, seen: new Set<Modality>() },
  ...{ mediaCharacters: 0, images: 0, unbounded: false },
});

const measureText = (field: string, text: string, into: Counted): void => {
  if (text === '') refuse(field, 'String must contain at least 1 character(s)');
  into.seen.add('text');
  into.longest = Math.max(into.longest, Math.ceil(text.length / CHARACTERS_PER_TOKEN));
};

const measureTokenList = (field: string, list: readonly unknown[], into: Counted): void => {
  if (list.length === 0) refuse(field, 'Array must contain at least 1 element(s)');
  if (list.length > TOKENS_MAX)
    refuse(field, `Array must contain at most ${TOKENS_MAX} element(s), received ${list.length}`);
  for (const [index, token] of list.entries())
    if (typeof token !== 'number' || !Number.isSafeInteger(token) || token < 0)
      refuse(
        `${field}[${index}]`,
        `Expected a token as a whole number, received ${typeof token === 'number' ? token : typeOf(token)}`,
      );
  into.seen.add('text');
  into.tokens = (into.tokens ?? 0) + list.length;
  into.longest = Math.max(into.longest, list.length);
};

const measureObject = (field: string, value: unknown, into: Counted): void => {
  if (!isObject(value)) return refuse(field, `Expected object, received ${typeOf(value)}`);
  const { content } = value;
  if (!Array.isArray(content)) return refuse(`${field}.content`, `Expected array, received ${typeOf(content)}`);
  if (content.length === 0) return refuse(`${field}.content`, 'Array must contain at least 1 element(s)');
  measureContent(`${field}.content`, content, into, into.seen);
  let characters = 0;
  for (const part of content as { text?: unknown }[])
    if (typeof part.text === 'string') {
      if (part.text === '') refuse(`${field}.content`, 'text must contain at least 1 character(s)');
      into.seen.add('text');
      characters += part.text.length;
    }
  into.longest = Math.max(into.longest, Math.ceil(characters / CHARACTERS_PER_TOKEN));
};

/** All items are of the first one's kind: providers take no mixture. */
const measureItems = (items: readonly unknown[]): Counted => {
  const [first] = items;
  if (typeof first === 'number') {
    const into = counted(1);
    measureTokenList('input', items, into);
    return into;
  }
  if (items.length > INPUTS_MAX)
    refuse('input', `Array must contain at most ${INPUTS_MAX} element(s), received ${items.length}`);
  const into = counted(items.length);
  for (const [index, item] of items.entries()) {
    const field = `input[${index}]`;
    if (typeof first === 'string')
      if (typeof item === 'string') measureText(field, item, into);
      else refuse(field, `Expected string, received ${typeOf(item)}`);
    else if (Array.isArray(first))
      if (Array.isArray(item)) measureTokenList(field, item, into);
      else refuse(field, `Expected array of tokens, received ${typeOf(item)}`);
    else measureObject(field, item, into);
  }
  return into;
};

const measureAny = (input: unknown): Counted => {
  if (input === undefined || input === null) return refuse('input', 'Invalid request: input is required');
  if (typeof input === 'string') {
    const into = counted(1);
    measureText('input', input, into);
    return into;
  }
  if (!Array.isArray(input)) return refuse('input', `Expected string or array, received ${typeOf(input)}`);
  if (input.length === 0) return refuse('input', 'Array must contain at least 1 element(s)');
  return measureItems(input);
};

/** @throws WaystationError `invalid_request` that names the item */
export const measureInput = (input: unknown, bodyBytes: number): InputMeasures => {
  const { inputs, tokens, longest, images, seen, mediaCharacters, unbounded } = measureAny(input);
  const byBytes = measureTokens(bodyBytes, { messageCount: inputs, mediaCharacters, images, unbounded }, 0);
  // Lists of tokens say themselves how many they are; what a provider adds around them is in the other bound.
  const around = measureTokens(0, { messageCount: inputs, mediaCharacters: 0, images: 0, unbounded: false }, 0).max;
  return {
    inputs,
    images,
    modalities: seen,
    tokens:
      tokens === undefined
        ? { ...byBytes, longest: Math.min(longest, byBytes.estimate) }
        : { max: tokens + around, estimate: tokens, longest },
  };
};
