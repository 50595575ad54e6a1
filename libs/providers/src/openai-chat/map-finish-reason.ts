// Finish reasons of chat completions, as providers of this dialect spell them, to ours and to the public words.
import type { FinishReason } from '@waystation/generation';

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  // https://platform.openai.com/docs/api-reference/chat/object#chat/object-choices
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  // https://docs.mistral.ai/api/endpoint/chat: `model_length` is the context window's end
  model_length: 'length',
  error: 'error',
  // https://api-docs.deepseek.com/api/create-chat-completion: the request was interrupted
  insufficient_system_resource: 'error',
  // servers that pass on the words of an engine or of another dialect
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  end_turn: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  safety: 'content-filter',
  abort: 'error',
};

/** Unknown words count as `stop`: the provider did say that it is finished. */
export const mapFinishReason = (native: string): FinishReason => {
  const word = native.toLowerCase();
  return Object.hasOwn(FINISH_REASONS, word) ? (FINISH_REASONS[word] ?? 'stop') : 'stop';
};
