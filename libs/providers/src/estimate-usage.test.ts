// What is charged from, by what the provider told and what came of it: one line a case.
import type { DeliveredContent, UsageSource } from '@waystation/generation';
import { completeUsage } from './estimate-usage.js';

const PROMPT = 7;
const text: DeliveredContent = { bytes: 500, chunks: 100 };
const nothing: DeliveredContent = { bytes: 0, chunks: 0 };

it.each<[string, Record<string, number> | undefined, DeliveredContent, Record<string, number>, UsageSource]>([
  ['nothing told: both are estimated', undefined, text, { input: 7, output: 100 }, 'estimated'],
  ['nothing told and nothing delivered: the prompt is', undefined, nothing, { input: 7, output: 0 }, 'estimated'],
  ['all told: it stands', { input: 9, output: 12 }, text, { input: 9, output: 12 }, 'provider'],
  ['less told than was delivered: it stands', { input: 9, output: 1 }, text, { input: 9, output: 1 }, 'provider'],
  ['the prompt only, with text delivered', { input: 9, output: 0 }, text, { input: 9, output: 100 }, 'estimated'],
  [
    'a prompt out of the cache only, with text delivered',
    { input: 0, cacheRead: 9, output: 0 },
    text,
    { input: 0, cacheRead: 9, output: 100 },
    'estimated',
  ],
  [
    'the prompt only, and nothing delivered: it stands',
    { input: 9, output: 0 },
    nothing,
    { input: 9, output: 0 },
    'provider',
  ],
  [
    'reasoning only: it is the output',
    { input: 9, output: 0, reasoning: 5 },
    text,
    { input: 9, output: 0, reasoning: 5 },
    'provider',
  ],
  ['the completion only', { input: 0, output: 12 }, text, { input: 7, output: 12 }, 'estimated'],
])('%s', (_name, told, delivered, usage, usageSource) => {
  const known = told === undefined ? undefined : ({ usage: told, source: 'provider' } as const);
  expect(completeUsage(known, () => PROMPT, delivered)).toEqual({ usage, usageSource });
});

it('what was bent into what is possible stays as it was bent, and marked so', () => {
  const told = { usage: { input: 0, output: 0 }, source: 'clamped' } as const;
  expect(completeUsage(told, () => PROMPT, text)).toEqual({ usage: { input: 0, output: 0 }, usageSource: 'clamped' });
});
