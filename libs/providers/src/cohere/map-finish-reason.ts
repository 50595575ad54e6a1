// https://docs.cohere.com/reference/chat#response.body.finish_reason
import type { FinishReason } from '@waystation/generation';

const REASONS: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR: 'error',
  TIMEOUT: 'error',
  // of the first version, which hosts of the models still say: https://docs.cohere.com/v1/reference/chat
  ERROR_LIMIT: 'length',
  ERROR_TOXIC: 'content-filter',
};

/** Unknown words count as `stop`: the provider did say that it is finished. */
export const mapFinishReason = (native: string): FinishReason =>
  Object.hasOwn(REASONS, native) ? (REASONS[native] ?? 'stop') : 'stop';
