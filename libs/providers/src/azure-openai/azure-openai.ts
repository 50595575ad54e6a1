// Chat completions at Azure, where the model is a deployment that the path names, and every call says its version of the API.
// https://learn.microsoft.com/en-us/azure/ai-services/openai/reference#chat-completions
import { chatPassthrough, chatTranslation, openaiChat } from '../openai-chat/openai-chat.js';
import type { ProviderDialect, Quirks } from '../spec.js';

/** https://learn.microsoft.com/en-us/azure/ai-services/openai/api-version-lifecycle: the last stable one of its kind */
const API_VERSION = '2024-10-21';

const pathOf = (deployment: string, quirks: Quirks): string => {
  const version = typeof quirks['apiVersion'] === 'string' ? quirks['apiVersion'] : API_VERSION;
  return `/openai/deployments/${encodeURIComponent(deployment)}/chat/completions?api-version=${encodeURIComponent(version)}`;
};

export const azureOpenAi: ProviderDialect = {
  ...openaiChat,
  name: 'azure-openai',
  credential: { kind: 'header', name: 'api-key' },
  passthrough: {
    ...chatPassthrough,
    buildRequest: (request) => ({
      ...chatPassthrough.buildRequest(request),
      path: pathOf(request.upstreamModel, request.quirks),
    }),
  },
  translation: {
    ...chatTranslation,
    buildRequest: (request) => ({
      ...chatTranslation.buildRequest(request),
      path: pathOf(request.upstreamModel, request.quirks),
    }),
  },
};
