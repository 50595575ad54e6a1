// Finish reasons in the words of chat completions.
import type { FinishReason } from '@waystation/generation';

/** The public word of the dialect. */
export const chatFinishReason = (reason: FinishReason): string => {
  switch (reason) {
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'stop':
    case 'length':
    case 'error':
      return reason;
    default: {
      const unreachable: never = reason;
      return unreachable;
    }
  }
};
