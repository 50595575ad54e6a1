// https://docs.cohere.com/reference/errors: `{message}` and the status, of which one means what it means nowhere else.
import type { WaystationError } from '@waystation/contracts';
import { parseProviderError } from '../provider-error.js';
import type { ErrorResponse } from '../spec.js';

/** A word of the prompt or of the answer is on a list of those that are denied. */
const DENIED_WORD = 498;

export const parseCohereError = (response: ErrorResponse): WaystationError => {
  if (response.status !== DENIED_WORD) return parseProviderError(response);
  const message = response.body.toString('utf8');
  return parseProviderError({
    ...response,
    body: Buffer.from(JSON.stringify({ message, code: 'content_filter' })),
  });
};
