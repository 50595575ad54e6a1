// Chat completions at Azure, and OpenAI's jobs beside them. Its `v1` API is called as OpenAI's is, with a deployment for a model; with a version of the older API the path names the deployment.
// https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle; https://learn.microsoft.com/en-us/azure/ai-services/openai/reference#chat-completions
import { chatPassthrough, chatTranslation, openaiChat } from '../openai-chat/openai-chat.js';
import { chatJobs } from '../openai-chat/jobs.js';
import type { Job, ProviderDialect, Quirks, UpstreamRequest } from '../spec.js';

/** Whatever the quirk `chatPath` says: the older API has one path. */
const CHAT_PATH = '/chat/completions';

interface Deployed {
  readonly upstreamModel: string;
  readonly quirks: Quirks;
}

const atDeployment = (
  built: UpstreamRequest,
  { upstreamModel, quirks }: Deployed,
  path: string = built.path,
): UpstreamRequest => {
  const { apiVersion } = quirks;
  if (typeof apiVersion !== 'string') return built;
  const [deployment, version] = [encodeURIComponent(upstreamModel), encodeURIComponent(apiVersion)];
  return { ...built, path: `/openai/deployments/${deployment}${path}?api-version=${version}` };
};

const jobAt =
  (job: Job): Job =>
  (request) => {
    const asked = job(request);
    return { ...asked, upstream: atDeployment(asked.upstream, request) };
  };

/** Rerankers there have an address and a shape of their own. */
const JOBS: ReadonlyMap<string, Job> = new Map(
  [...chatJobs].flatMap(([name, job]) => (name === 'rerank' ? [] : [[name, jobAt(job)] as const])),
);

export const azureOpenAi: ProviderDialect = {
  ...openaiChat,
  name: 'azure-openai',
  credential: { kind: 'header', name: 'api-key' },
  jobs: JOBS,
  passthrough: {
    ...chatPassthrough,
    buildRequest: (request) => atDeployment(chatPassthrough.buildRequest(request), request, CHAT_PATH),
  },
  translation: {
    ...chatTranslation,
    buildRequest: (request) => atDeployment(chatTranslation.buildRequest(request), request, CHAT_PATH),
  },
};
