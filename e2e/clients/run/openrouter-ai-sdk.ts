// The ai package with @openrouter/ai-sdk-provider.
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { aiSdkFeatures } from './ai-sdk.ts';
import type { Connection, Features } from './asked.ts';

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const provider = createOpenRouter({ baseURL: `${url}/api/v1`, apiKey });
  return aiSdkFeatures((model) => provider.chat(model, { reasoning: { effort: 'low' } }));
};
