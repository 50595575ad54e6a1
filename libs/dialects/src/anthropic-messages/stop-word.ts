// Finish reasons in the words of Messages. https://docs.anthropic.com/en/api/handling-stop-reasons
import type { FinishReason } from '@waystation/generation';

const OWN: ReadonlySet<string> = new Set([
  'end_turn',
  'stop_sequence',
  'pause_turn',
  'max_tokens',
  'model_context_window_exceeded',
  'tool_use',
  'refusal',
]);

/** A provider of the same dialect is quoted. */
export const stopReasonOf = (reason: FinishReason, native: string | undefined): string => {
  if (native !== undefined && OWN.has(native)) return native;
  switch (reason) {
    case 'stop':
    case 'error':
      return 'end_turn';
    case 'length':
      return 'max_tokens';
    case 'tool-calls':
      return 'tool_use';
    case 'content-filter':
      return 'refusal';
    default: {
      const unreachable: never = reason;
      return unreachable;
    }
  }
};
