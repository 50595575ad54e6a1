// The ai package with @ai-sdk/openai-compatible.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiSdkFeatures } from './ai-sdk.ts';
import type { Connection, Features } from './asked.ts';

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const provider = createOpenAICompatible({
    name: 'waystation',
    baseURL: `${url}/api/v1`,
    apiKey,
    supportsStructuredOutputs: true,
  });
  return aiSdkFeatures((model) => provider(model));
};
