// Cached tokens are inside of `input_tokens`, reasoning inside of `output_tokens`. https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
import type { Usage } from '@waystation/generation';
import { numberOf, recordOf } from '../json-shape.js';

export const convertUsage = (told: unknown): Usage => {
  const of = recordOf(told);
  const [input, output] = [numberOf(of['input_tokens']), numberOf(of['output_tokens'])];
  const inputDetails = recordOf(of['input_tokens_details']);
  const read = numberOf(inputDetails['cached_tokens']);
  const written = numberOf(inputDetails['cache_write_tokens']);
  const reasoning = numberOf(recordOf(of['output_tokens_details'])['reasoning_tokens']);
  const usage: Record<string, number> = {};
  if (input !== undefined) usage['input'] = Math.max(0, input - (read ?? 0) - (written ?? 0));
  if (read !== undefined) usage['cacheRead'] = read;
  if (written !== undefined) usage['cacheWrite'] = written;
  if (output !== undefined) usage['output'] = Math.max(0, output - (reasoning ?? 0));
  if (reasoning !== undefined) usage['reasoning'] = reasoning;
  return usage;
};
