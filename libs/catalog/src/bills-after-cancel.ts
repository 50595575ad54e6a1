// Whether a provider goes on billing when its connection is closed. Decides between cancelling upstream and draining to the end.
// Source: https://openrouter.ai/docs/api-reference/streaming (providers that stop, and that do not stop, when a stream is cancelled).

const STOPS = [
  'openai',
  'azure',
  'anthropic',
  'fireworks',
  'deepinfra',
  'together',
  'novita',
  'cohere',
  'xai',
  'cloudflare',
  'deepseek',
];
const GOES_ON = [
  'bedrock',
  'amazon-bedrock',
  'groq',
  'google',
  'google-ai-studio',
  'google-vertex',
  'mistral',
  'perplexity',
  'sambanova',
  'nebius',
  'alibaba',
];

const known = new Map([
  ...STOPS.map((slug) => [slug, false] as const),
  ...GOES_ON.map((slug) => [slug, true] as const),
]);

/** The safe answer for a provider nobody told us about is that it goes on: what it bills is then always read to the end. */
export const billsAfterCancelByDefault = (provider: string): boolean => known.get(provider) ?? true;
