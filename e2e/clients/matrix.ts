// Which client asks what, as data: client × feature × upstream dialect. What the running system does not have (a route, a dialect of the sandbox) is a dash in the table.
import type { Kind } from './questions.ts';

export interface Upstream {
  readonly dialect: string;
  /** Author of its models in the sandbox. */
  readonly author: string;
}

export const UPSTREAMS: readonly Upstream[] = [
  { dialect: 'openai-chat', author: 'sandbox' },
  { dialect: 'anthropic-messages', author: 'sandbox-messages' },
  { dialect: 'openai-responses', author: 'sandbox-responses' },
  { dialect: 'gemini', author: 'sandbox-gemini' },
  { dialect: 'bedrock-converse', author: 'sandbox-bedrock' },
  { dialect: 'cohere', author: 'sandbox-cohere' },
];

/** Fewer would make the matrix a short one without anybody seeing it. */
export const DIALECTS_MIN = 6;

export interface Feature {
  readonly name: string;
  readonly kind: Kind;
  readonly route: string;
  readonly streamed?: boolean;
  /** Of the account, whatever the upstream: asked once. */
  readonly ofAccount?: boolean;
}

/** Those that a feature is asked through. */
export const upstreamsOf = ({ ofAccount: once }: Feature): readonly Upstream[] =>
  once === true ? UPSTREAMS.slice(0, 1) : UPSTREAMS;

export interface Client {
  /** The package, and the file under `run/`. */
  readonly name: string;
  readonly file: string;
  readonly features: readonly Feature[];
}

const CHAT = '/chat/completions';
const RESPONSES = '/responses';
const MESSAGES = '/messages';
const EMBEDDINGS = '/embeddings';
const RERANK = '/rerank';
const TRANSCRIPTS = '/audio/transcriptions';

/** Of each upstream dialect's models, that which a kind of question is about. */
export const MODEL_OF: Readonly<Record<Kind, string>> = {
  text: 'echo',
  said: 'echo',
  tools: 'tools',
  object: 'echo',
  thinking: 'reason',
  refusal: 'fail-429',
  count: 'echo',
  embeddings: 'embed',
  rerank: 'rerank',
  transcript: 'whisper',
  facts: 'echo',
};

const once = (name: string, kind: Kind, route: string): Feature => ({ name, kind, route });
const ofAccount = (name: string, route: string): Feature => ({ name, kind: 'facts', route, ofAccount: true });
const streamed = (name: string, kind: Kind, route: string): Feature => ({
  name: `${name}, streamed`,
  kind,
  route,
  streamed: true,
});
const both = (name: string, kind: Kind, route: string): Feature[] => [
  once(name, kind, route),
  streamed(name, kind, route),
];

const AI_SDK: readonly Feature[] = [
  ...both('text', 'text', CHAT),
  ...both('object', 'object', CHAT),
  ...both('tools', 'tools', CHAT),
  once('refusal', 'refusal', CHAT),
];

export const CLIENTS: readonly Client[] = [
  {
    name: 'openai',
    file: 'openai',
    features: [
      ...both('chat', 'text', CHAT),
      streamed('stream helper', 'text', CHAT),
      ...both('tools', 'tools', CHAT),
      ...both('runTools', 'tools', CHAT),
      ...both('parse', 'object', CHAT),
      once('refusal', 'refusal', CHAT),
      ...both('responses', 'text', RESPONSES),
      ...both('responses tools', 'tools', RESPONSES),
      once('responses parse', 'object', RESPONSES),
      once('embeddings', 'embeddings', EMBEDDINGS),
      once('transcription', 'transcript', TRANSCRIPTS),
      once('models', 'facts', '/models'),
    ],
  },
  {
    name: '@anthropic-ai/sdk',
    file: 'anthropic',
    features: [
      ...both('messages', 'text', MESSAGES),
      streamed('stream helper', 'text', MESSAGES),
      streamed('auth token, beta', 'said', MESSAGES),
      ...both('tools', 'tools', MESSAGES),
      once('parse', 'object', MESSAGES),
      ...both('thinking', 'thinking', MESSAGES),
      once('count tokens', 'count', `${MESSAGES}/count_tokens`),
      once('refusal', 'refusal', MESSAGES),
    ],
  },
  {
    name: '@openrouter/sdk',
    file: 'openrouter',
    features: [
      ...both('chat', 'text', CHAT),
      ...both('tools', 'tools', CHAT),
      once('object', 'object', CHAT),
      ...both('thinking', 'thinking', CHAT),
      once('refusal', 'refusal', CHAT),
      ...both('responses', 'text', RESPONSES),
      once('embeddings', 'embeddings', EMBEDDINGS),
      once('rerank', 'rerank', RERANK),
      once('transcription', 'transcript', TRANSCRIPTS),
      once('transcription by form', 'transcript', TRANSCRIPTS),
      once('models', 'facts', '/models'),
      once('endpoints', 'facts', '/models'),
      ofAccount('key and keys', '/key'),
      ofAccount('providers', '/providers'),
      ofAccount('guardrails', '/guardrails'),
      ofAccount('budgets', '/workspaces/default/budgets'),
      ofAccount('members', '/organization/members'),
      ofAccount('activity', '/activity'),
      ofAccount('credits', '/credits'),
      once('generation', 'facts', '/generation'),
    ],
  },
  {
    name: '@openrouter/ai-sdk-provider',
    file: 'openrouter-ai-sdk',
    features: [...AI_SDK, ...both('thinking', 'thinking', CHAT)],
  },
  { name: '@ai-sdk/openai-compatible', file: 'openai-compatible', features: AI_SDK },
  {
    name: '@langchain/openai',
    file: 'langchain',
    features: [
      ...both('text', 'text', CHAT),
      once('object', 'object', CHAT),
      ...both('tools', 'tools', CHAT),
      once('refusal', 'refusal', CHAT),
    ],
  },
  { name: 'cohere-ai', file: 'cohere', features: [once('rerank', 'rerank', RERANK)] },
];

/** Those that every dialect must have been asked through. */
export const CLIENTS_THAT_CHAT: readonly string[] = CLIENTS.filter(({ features }) =>
  features.some(({ kind }) => kind === 'text'),
).map(({ name }) => name);
