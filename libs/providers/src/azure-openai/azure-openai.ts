// Chat completions at Azure. Its `v1` API is called as OpenAI's is, with a deployment for a model; with a version of the older API the path names the deployment.
// https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle; https://learn.microsoft.com/en-us/azure/ai-services/openai/reference#chat-completions
import { chatPassthrough, chatTranslation, openaiChat } from '../openai-chat/openai-chat.js';
import type { ProviderDialect, Quirks, UpstreamRequest } from '../spec.js';

interface Deployed {
  readonly upstreamModel: string;
  readonly quirks: Quirks;
}

const atDeployment = (built: UpstreamRequest, { upstreamModel, quirks }: Deployed): UpstreamRequest => {
  const { apiVersion } = quirks;
  if (typeof apiVersion !== 'string') return built;
  const [deployment, version] = [encodeURIComponent(upstreamModel), encodeURIComponent(apiVersion)];
  return { ...built, path: `/openai/deployments/${deployment}/chat/completions?api-version=${version}` };
};

export const azureOpenAi: ProviderDialect = {
  ...openaiChat,
  name: 'azure-openai',
  credential: { kind: 'header', name: 'api-key' },
  passthrough: {
    ...chatPassthrough,
    buildRequest: (request) => atDeployment(chatPassthrough.buildRequest(request), request),
  },
  translation: {
    ...chatTranslation,
    buildRequest: (request) => atDeployment(chatTranslation.buildRequest(request), request),
  },
};
