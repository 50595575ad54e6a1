// https://ai.google.dev/api/generate-content#FinishReason and #BlockReason; Vertex AI: https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#FinishReason
import type { FinishReason } from '@waystation/generation';

const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  // More could be asked for with its `continuationToken`.
  CONTINUATION: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  LANGUAGE: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  ESCALATION: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  // The account is limited or disabled: nothing about the prompt.
  PUP_LIMITED_DISABLED: 'error',
  MALFORMED_FUNCTION_CALL: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
  MALFORMED_RESPONSE: 'error',
  NO_IMAGE: 'error',
  IMAGE_OTHER: 'error',
};

/** Unknown words count as `stop`: the provider did say that it is finished. A call of a tool ends with STOP there. */
export const mapFinishReason = (native: string, called: boolean): FinishReason => {
  const reason = Object.hasOwn(REASONS, native) ? (REASONS[native] ?? 'stop') : 'stop';
  return reason === 'stop' && called ? 'tool-calls' : reason;
};
