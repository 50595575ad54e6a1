// https://docs.anthropic.com/en/api/handling-stop-reasons
import type { FinishReason } from '@waystation/generation';

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
};

/** Unknown words count as `stop`: the provider did say that it is finished. */
export const mapStopReason = (native: string): FinishReason =>
  Object.hasOwn(REASONS, native) ? (REASONS[native] ?? 'stop') : 'stop';
