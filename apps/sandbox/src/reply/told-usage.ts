// The usage that an answer tells: the truth, or what the script wants instead. Each dialect puts the same numbers into its own words.
import type { Script } from '../script/script.js';
import type { Reply } from './plan-reply.js';

export interface ToldUsage {
  /** Cached tokens included. */
  readonly prompt: number;
  readonly cached: number;
  /** Into the cache. */
  readonly written: number;
  /** Reasoning included. */
  readonly completion: number;
  readonly reasoning: number;
}

const HUGE_TOKENS = 1_000_000_000_000;

/** Undefined where the script tells none. */
export const toldUsage = (reply: Reply, mode: Script['usage']): ToldUsage | undefined => {
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = reply;
  const prompt = { prompt: promptTokens, cached: cachedTokens, written: cacheWriteTokens };
  switch (mode) {
    case 'exact':
    case 'late':
      return { ...prompt, completion: completionTokens, reasoning: reasoningTokens };
    case 'none':
      return undefined;
    case 'placeholder':
      return { prompt: 0, cached: 0, written: 0, completion: 0, reasoning: 0 };
    case 'prompt-only':
      return { ...prompt, completion: 0, reasoning: 0 };
    case 'negative':
      return { prompt: -promptTokens, cached: 0, written: 0, completion: -completionTokens, reasoning: 0 };
    case 'huge':
      return { prompt: promptTokens, cached: 0, written: 0, completion: HUGE_TOKENS, reasoning: 0 };
    case 'cached-over-prompt':
      return {
        prompt: promptTokens,
        cached: promptTokens + 1_000,
        written: 0,
        completion: completionTokens,
        reasoning: reasoningTokens,
      };
    default: {
      const unreachable: never = mode;
      return unreachable;
    }
  }
};
