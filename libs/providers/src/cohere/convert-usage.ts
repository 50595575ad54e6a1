// Usage of Cohere to our classes: what is billed, and not what was processed. `tokens` counts what Cohere puts around a prompt too, and `cached_tokens` is a part of that: nobody is charged for either.
// https://docs.cohere.com/reference/chat#response.body.usage, https://docs.cohere.com/docs/how-does-cohere-pricing-work
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordOf } from '../json-shape.js';

export const convertUsage = (told: unknown): Usage => {
  const { billed_units: billed, tokens } = recordOf(told);
  const counts = recordOf(isRecord(billed) ? billed : tokens);
  const [input, output] = [numberOf(counts['input_tokens']), numberOf(counts['output_tokens'])];
  return { ...(input === undefined ? {} : { input }), ...(output === undefined ? {} : { output }) };
};
