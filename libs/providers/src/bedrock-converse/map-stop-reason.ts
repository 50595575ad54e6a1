// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseResponse.html#bedrock-runtime_Converse-response-stopReason
import type { FinishReason } from '@waystation/generation';

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
  // The model wrote what Converse could not read: nobody can go on from there.
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

/** Unknown words count as `stop`: the provider did say that it is finished. */
export const mapStopReason = (native: string): FinishReason =>
  Object.hasOwn(REASONS, native) ? (REASONS[native] ?? 'stop') : 'stop';
