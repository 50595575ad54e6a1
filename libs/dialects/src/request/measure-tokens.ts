// A bound on the tokens of a prompt, and a likely number of them, from what was measured of its body.

export interface TokenMeasures {
  readonly messageCount: number;
  /** Characters of media that stand in the body: they are no text. */
  readonly mediaCharacters: number;
  readonly images: number;
  /** Content that the body only refers to, so that its tokens cannot be bounded by its bytes. */
  readonly unbounded: boolean;
}

/** What a provider may add around a message or tool, in tokens: roles, separators, the hidden prompt of tool use. */
const TOKENS_AROUND = { request: 64, message: 16, tools: 1_024 } as const;
/** The most that any known model charges for one image (tiles of a small model at high detail). */
const IMAGE_TOKENS_MAX = 50_000;
export const IMAGE_TOKENS_ESTIMATE = 1_000;
export const BYTES_PER_TOKEN_ESTIMATE = 4;

/**
 * Bounds the prompt's tokens. A token of text stands for at least one byte of it, and JSON never writes a text in fewer bytes than UTF-8 does,
 * so that the body's bytes bound its text; what a provider adds around it and images are added on top.
 */
export const measureTokens = (
  bodyBytes: number,
  measures: TokenMeasures,
  toolCount: number,
): { max: number; estimate: number } => {
  const around =
    TOKENS_AROUND.request + measures.messageCount * TOKENS_AROUND.message + (toolCount > 0 ? TOKENS_AROUND.tools : 0);
  const textBytes = Math.max(1, bodyBytes - measures.mediaCharacters);
  return {
    max: measures.unbounded ? Number.POSITIVE_INFINITY : bodyBytes + around + measures.images * IMAGE_TOKENS_MAX,
    estimate: Math.ceil(textBytes / BYTES_PER_TOKEN_ESTIMATE) + measures.images * IMAGE_TOKENS_ESTIMATE,
  };
};
