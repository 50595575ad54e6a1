// The `usage` object, true or as false as the script wants it.
import type { Reply } from '../../reply/plan-reply.js';
import { toldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';

/** JSON text, or undefined where the script tells none. */
export const writeChatUsage = (reply: Reply, mode: Script['usage']): string | undefined => {
  const told = toldUsage(reply, mode);
  if (told === undefined) return undefined;
  const { prompt, cached, completion, reasoning } = told;
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion},` +
    `"prompt_tokens_details":{"cached_tokens":${cached}},"completion_tokens_details":{"reasoning_tokens":${reasoning}}}`
  );
};
