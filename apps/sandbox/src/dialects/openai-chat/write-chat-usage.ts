// The `usage` object, true or as false as the script wants it.
import type { Reply } from '../../reply/plan-reply.js';
import type { Script } from '../../script/script.js';

const usageJson = (prompt: number, cached: number, completion: number, reasoning: number): string =>
  `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion},` +
  `"prompt_tokens_details":{"cached_tokens":${cached}},"completion_tokens_details":{"reasoning_tokens":${reasoning}}}`;

const HUGE_TOKENS = 1_000_000_000_000;

/** JSON text, or undefined where the script tells none. */
export const writeChatUsage = (reply: Reply, mode: Script['usage']): string | undefined => {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = reply;
  switch (mode) {
    case 'exact':
    case 'late':
      return usageJson(promptTokens, cachedTokens, completionTokens, reasoningTokens);
    case 'none':
      return undefined;
    case 'placeholder':
      return usageJson(0, 0, 0, 0);
    case 'prompt-only':
      return usageJson(promptTokens, cachedTokens, 0, 0);
    case 'negative':
      return usageJson(-promptTokens, 0, -completionTokens, 0);
    case 'huge':
      return usageJson(promptTokens, 0, HUGE_TOKENS, 0);
    case 'cached-over-prompt':
      return usageJson(promptTokens, promptTokens + 1_000, completionTokens, reasoningTokens);
    default: {
      const unreachable: never = mode;
      return unreachable;
    }
  }
};
