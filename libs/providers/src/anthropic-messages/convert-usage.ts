// Usage of Messages to our disjoint classes: cached tokens are told beside `input_tokens`, thinking is inside of `output_tokens` and not told apart.
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordOf } from '../json-shape.js';

/** What was told of late replaces what was told before. A stream tells input first and the sum of the output last. */
export const convertUsage = (told: unknown, before: Usage = {}): Usage => {
  if (!isRecord(told)) return before;
  const usage: Record<string, number> = { ...before };
  const set = (name: string, count: number | undefined): void => {
    if (count !== undefined) usage[name] = count;
  };
  set('input', numberOf(told['input_tokens']));
  set('output', numberOf(told['output_tokens']));
  set('cacheRead', numberOf(told['cache_read_input_tokens']));
  const written = numberOf(told['cache_creation_input_tokens']);
  // The last event of a stream repeats the sum, without how long each part is kept: that was told by the first.
  const anHour =
    numberOf(recordOf(told['cache_creation'])['ephemeral_1h_input_tokens']) ??
    Math.min(before['cacheWrite1h'] ?? 0, written ?? 0);
  if (written !== undefined) {
    usage['cacheWrite'] = Math.max(0, written - anHour);
    if (anHour > 0 || before['cacheWrite1h'] !== undefined) usage['cacheWrite1h'] = anHour;
  }
  const searches = numberOf(recordOf(told['server_tool_use'])['web_search_requests']);
  if (searches !== undefined && searches > 0) usage['searches'] = searches;
  return usage;
};
