// Usage of Converse to our disjoint classes: cached tokens are told beside `inputTokens`, reasoning is inside of `outputTokens` and not told apart.
// https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
import type { Usage } from '@waystation/generation';
import { numberOf, recordOf, recordsOf } from '../json-shape.js';

export const convertUsage = (told: unknown): Usage => {
  const counts = recordOf(told);
  const usage: Record<string, number> = {};
  const set = (name: string, count: number | undefined): void => {
    if (count !== undefined) usage[name] = count;
  };
  set('input', numberOf(counts['inputTokens']));
  set('output', numberOf(counts['outputTokens']));
  set('cacheRead', numberOf(counts['cacheReadInputTokens']));
  const written = numberOf(counts['cacheWriteInputTokens']);
  const anHour = recordsOf(counts['cacheDetails'])
    .filter(({ ttl }) => ttl === '1h')
    .reduce((sum, { inputTokens }) => sum + (numberOf(inputTokens) ?? 0), 0);
  if (written !== undefined) usage['cacheWrite'] = Math.max(0, written - anHour);
  if (anHour > 0) usage['cacheWrite1h'] = anHour;
  return usage;
};
