// The sandbox's tokenizer: a token is four UTF-16 code units of text. Crude, but exact, documented, and O(1) to count, so that whoever checks
// a bill can count for himself. Pieces never split a surrogate pair, and their number is always the number of tokens.

export const TOKEN_UNITS = 4;

/** Tokens of the instructions around one message. */
export const MESSAGE_OVERHEAD_TOKENS = 4;
/** An image, audio, video or file part counts this much, whatever its size. */
export const MEDIA_PART_TOKENS = 85;

export const countTokens = (text: string): number => Math.ceil(text.length / TOKEN_UNITS);

const boundary = (text: string, unit: number): number => {
  const code = text.charCodeAt(unit);
  return code >= 0xdc00 && code <= 0xdfff ? unit - 1 : unit;
};

/** The `index`-th token of a text. Joined in order, the tokens are the text. */
export const tokenAt = (text: string, index: number): string =>
  text.slice(boundary(text, index * TOKEN_UNITS), boundary(text, (index + 1) * TOKEN_UNITS));

/** The first `tokens` tokens of a text. */
export const firstTokens = (text: string, tokens: number): string =>
  text.slice(0, boundary(text, tokens * TOKEN_UNITS));
