// The `usage` object. `input_tokens` is without what the cache gave: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
import type { Reply } from '../../reply/plan-reply.js';
import { toldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';

/** The little that is said of the output before it is there. */
const OUTPUT_TOKENS_AT_START = 1;

/** Undefined where the script tells none. `atStart`: as `message_start` tells it, before there is output. */
export const messagesUsage = (
  reply: Reply,
  mode: Script['usage'],
  atStart = false,
): Readonly<Record<string, unknown>> | undefined => {
  const told = toldUsage(reply, mode);
  if (told === undefined) return undefined;
  const { prompt, cached, written, completion } = told;
  return {
    input_tokens: cached + written === 0 ? prompt : Math.max(0, prompt - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    ...(atStart ? { cache_creation: { ephemeral_5m_input_tokens: written, ephemeral_1h_input_tokens: 0 } } : {}),
    output_tokens: atStart ? Math.min(OUTPUT_TOKENS_AT_START, completion) : completion,
    ...(atStart ? { service_tier: 'standard' } : {}),
  };
};
