// What no source tells of providers, looked up by hand: our slug, how they are spoken to, where, with which key, and what makes them unfit to be offered by
// a key alone. Data; each fact that is not in a source has its page beside it.

/** The wire dialect, by the package of the AI SDK that a source names. */
export const DIALECT_OF_PACKAGE: Readonly<Record<string, string>> = {
  '@ai-sdk/openai-compatible': 'openai-chat',
  '@ai-sdk/openai': 'openai-responses',
  '@ai-sdk/anthropic': 'anthropic-messages',
  // The same events, but the model is in the path and the version in the body: https://docs.anthropic.com/en/api/claude-on-vertex-ai
  '@ai-sdk/google-vertex/anthropic': 'vertex-anthropic',
  '@ai-sdk/google': 'gemini',
  '@ai-sdk/google-vertex': 'gemini',
  '@ai-sdk/amazon-bedrock': 'bedrock-converse',
  '@ai-sdk/amazon-bedrock/mantle': 'openai-chat',
  '@ai-sdk/azure': 'azure-openai',
  '@ai-sdk/cohere': 'cohere',
  // The rest are OpenAI's chat completions under a name of their own.
  '@aihubmix/ai-sdk-provider': 'openai-chat',
  '@ai-sdk/cerebras': 'openai-chat',
  '@ai-sdk/deepinfra': 'openai-chat',
  '@ai-sdk/gateway': 'openai-chat',
  '@ai-sdk/groq': 'openai-chat',
  '@ai-sdk/mistral': 'openai-chat',
  '@ai-sdk/perplexity': 'openai-chat',
  '@ai-sdk/togetherai': 'openai-chat',
  '@ai-sdk/vercel': 'openai-chat',
  '@ai-sdk/xai': 'openai-chat',
  '@openrouter/ai-sdk-provider': 'openai-chat',
  'ai-gateway-provider': 'openai-chat',
  'merge-gateway-ai-sdk-provider': 'openai-chat',
  'venice-ai-sdk-provider': 'openai-chat',
};

/** Behind the provider's slug where part of its models is spoken to in another way: a provider has one dialect and one address. */
export const SLUG_SUFFIX_OF_DIALECT: Readonly<Record<string, string>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'anthropic',
  'vertex-anthropic': 'anthropic',
  gemini: 'gemini',
};

export type CredentialKind = 'bearer' | 'header' | 'query';

/** How a dialect takes its key, unless the provider says otherwise. */
export const CREDENTIAL_OF_DIALECT: Readonly<
  Record<string, { readonly kind: CredentialKind; readonly name?: string }>
> = {
  // https://docs.anthropic.com/en/api/overview#authentication
  'anthropic-messages': { kind: 'header', name: 'x-api-key' },
  // https://ai.google.dev/gemini-api/docs/api-key
  gemini: { kind: 'header', name: 'x-goog-api-key' },
  // https://learn.microsoft.com/azure/ai-services/openai/reference#authentication
  'azure-openai': { kind: 'header', name: 'api-key' },
};

export interface CuratedProvider {
  /** Our slug: the one of OpenRouter where it has the provider. */
  readonly slug?: string;
  readonly name?: string;
  readonly dialect?: string;
  readonly baseUrl?: string;
  /** Variables that hold the key: the first that is set is used. */
  readonly keyVariables?: readonly string[];
  readonly credential?: { readonly kind: CredentialKind; readonly name?: string };
  readonly quirks?: Readonly<Record<string, string | number | boolean>>;
  /** Whether everything is spoken to alike, whatever the source says of single models. */
  readonly oneDialect?: boolean;
  /** Whether a price of zero is a price, and not one that nobody knows. */
  readonly free?: boolean;
  /** Why a key alone does not offer it; the operator's file can. */
  readonly onRequest?: string;
  /** Why nothing of it is imported. */
  readonly leftOut?: string;
}

/** Prices of zero are believed there, since nobody is offered them unasked. */
export const FLAT_FEE = 'a subscription at a flat fee: its prices per token are no prices';
const SHARED_NAME = 'the variable of its key is used for other things too';
const OTHER_REGION = 'it shares the variable of its key with another provider, whose keys it does not take';

/** By the slug of the source (models.dev). */
export const PROVIDERS: Readonly<Record<string, CuratedProvider>> = {
  '302ai': { keyVariables: ['AI302_API_KEY', '302AI_API_KEY'] },
  aihubmix: { baseUrl: 'https://aihubmix.com/v1' }, // https://docs.aihubmix.com/en/quick-start
  'alibaba-cn': { onRequest: OTHER_REGION },
  'alibaba-coding-plan': { onRequest: FLAT_FEE },
  'alibaba-coding-plan-cn': { onRequest: FLAT_FEE },
  'alibaba-token-plan': { onRequest: FLAT_FEE },
  'alibaba-token-plan-cn': { onRequest: FLAT_FEE },
  'amazon-bedrock': {
    // Keys of the long kind: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
    ...{ baseUrl: 'https://bedrock-runtime.${AWS_REGION}.amazonaws.com', keyVariables: ['AWS_BEARER_TOKEN_BEDROCK'] },
    credential: { kind: 'bearer' },
  },
  anthropic: { baseUrl: 'https://api.anthropic.com/v1' }, // https://docs.anthropic.com/en/api/overview
  azure: {
    // https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
    ...{ baseUrl: 'https://${AZURE_RESOURCE_NAME}.openai.azure.com/openai/v1', keyVariables: ['AZURE_API_KEY'] },
  },
  'azure-cognitive-services': {
    baseUrl: 'https://${AZURE_COGNITIVE_SERVICES_RESOURCE_NAME}.cognitiveservices.azure.com/openai/v1',
    keyVariables: ['AZURE_COGNITIVE_SERVICES_API_KEY'],
  },
  'atomic-chat': { onRequest: 'it runs on the machine of whoever asks', free: true },
  bailing: { baseUrl: 'https://api.tbox.cn/api/llm/v1' },
  cerebras: { baseUrl: 'https://api.cerebras.ai/v1' }, // https://inference-docs.cerebras.ai/api-reference/chat-completions
  'cloudflare-ai-gateway': {
    // https://developers.cloudflare.com/ai-gateway/usage/chat-completion/
    baseUrl: 'https://gateway.ai.cloudflare.com/v1/${CLOUDFLARE_ACCOUNT_ID}/${CLOUDFLARE_GATEWAY_ID}/compat',
    ...{ keyVariables: ['CLOUDFLARE_API_TOKEN'], oneDialect: true },
  },
  'cloudflare-workers-ai': { slug: 'cloudflare', keyVariables: ['CLOUDFLARE_API_KEY'] },
  cohere: { baseUrl: 'https://api.cohere.com/v2' }, // https://docs.cohere.com/reference/chat
  databricks: { keyVariables: ['DATABRICKS_TOKEN'] },
  deepinfra: { name: 'DeepInfra', baseUrl: 'https://api.deepinfra.com/v1/openai' }, // https://docs.deepinfra.com/chat/overview
  deepseek: { baseUrl: 'https://api.deepseek.com/v1' }, // https://api-docs.deepseek.com
  'fireworks-ai': { slug: 'fireworks' },
  'github-copilot': { leftOut: FLAT_FEE },
  'github-models': { onRequest: SHARED_NAME, free: true },
  gitlab: { leftOut: FLAT_FEE },
  google: {
    ...{ slug: 'google-ai-studio', name: 'Google AI Studio' },
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta', // https://ai.google.dev/api
    keyVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  },
  'google-vertex': {
    ...{ name: 'Google Vertex' },
    // https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest
    baseUrl:
      'https://${GOOGLE_VERTEX_LOCATION}-aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT}/locations/${GOOGLE_VERTEX_LOCATION}/publishers/google',
    ...{ keyVariables: ['GOOGLE_VERTEX_ACCESS_TOKEN'], credential: { kind: 'bearer' } },
  },
  'google-vertex-anthropic': {
    ...{ name: 'Google Vertex (Anthropic)' },
    baseUrl:
      'https://${GOOGLE_VERTEX_LOCATION}-aiplatform.googleapis.com/v1/projects/${GOOGLE_VERTEX_PROJECT}/locations/${GOOGLE_VERTEX_LOCATION}/publishers/anthropic',
    ...{ keyVariables: ['GOOGLE_VERTEX_ACCESS_TOKEN'], credential: { kind: 'bearer' } },
  },
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1', // https://console.groq.com/docs/openai
    // https://console.groq.com/docs/speech-to-text: no usage, and ten seconds at least
    quirks: { billsDuration: true, secondsMin: 10 },
  },
  huggingface: { onRequest: SHARED_NAME },
  'kimi-for-coding': { onRequest: FLAT_FEE },
  'kuae-cloud-coding-plan': { onRequest: FLAT_FEE },
  llama: { free: true },
  lmstudio: { onRequest: 'it runs on the machine of whoever asks', free: true },
  'merge-gateway': { leftOut: 'no page says where its API is' },
  minimax: { name: 'MiniMax', baseUrl: 'https://api.minimax.io/anthropic/v1' },
  'minimax-cn': { onRequest: OTHER_REGION },
  'minimax-cn-coding-plan': { onRequest: FLAT_FEE },
  'minimax-coding-plan': { onRequest: FLAT_FEE },
  mistral: {
    baseUrl: 'https://api.mistral.ai/v1', // https://docs.mistral.ai/api
    // https://docs.mistral.ai/api/endpoint/chat has neither `user` nor `stream_options` nor `seed`, and what it does not have is refused; the last chunk tells the usage unasked.
    quirks: { usageInStream: false, sendsUser: false, seedField: 'random_seed' },
  },
  modelscope: { free: true },
  'moonshotai-cn': { onRequest: OTHER_REGION },
  'novita-ai': { slug: 'novita', name: 'Novita' },
  neon: { keyVariables: ['NEON_AI_GATEWAY_TOKEN'] },
  nvidia: { free: true },
  openai: {
    // Chat completions are what its models have in common; those that only have the Responses API are a provider of their own.
    ...{ dialect: 'openai-chat', baseUrl: 'https://api.openai.com/v1' },
    // https://platform.openai.com/docs/guides/reasoning: reasoning models refuse max_tokens.
    quirks: { outputCapField: 'max_completion_tokens' },
  },
  opencode: { onRequest: 'its free models are for its own client', free: true },
  'opencode-go': { onRequest: FLAT_FEE },
  openrouter: { free: true },
  perplexity: { baseUrl: 'https://api.perplexity.ai' }, // https://docs.perplexity.ai/api-reference
  'perplexity-agent': { onRequest: 'it is the agent API of Perplexity, under the same key' },
  poolside: { free: true },
  'privatemode-ai': {
    keyVariables: ['PRIVATEMODE_API_KEY'],
    onRequest: 'it is reached through a proxy on the machine of whoever asks',
  },
  'sap-ai-core': { leftOut: 'its deployments have addresses of their own' },
  'snowflake-cortex': { keyVariables: ['SNOWFLAKE_CORTEX_PAT'] },
  'stepfun-ai': { onRequest: OTHER_REGION },
  'tencent-coding-plan': { onRequest: FLAT_FEE },
  togetherai: { slug: 'together', baseUrl: 'https://api.together.xyz/v1' }, // https://docs.together.ai/reference/chat-completions-1
  'umans-ai-coding-plan': { onRequest: FLAT_FEE },
  v0: { baseUrl: 'https://api.v0.dev/v1' }, // https://v0.dev/docs/api
  venice: { baseUrl: 'https://api.venice.ai/api/v1' }, // https://docs.venice.ai/api-reference/api-spec
  vercel: { baseUrl: 'https://ai-gateway.vercel.sh/v1' }, // https://vercel.com/docs/ai-gateway/openai-compatible-api
  'wafer.ai': { slug: 'wafer' },
  xai: { baseUrl: 'https://api.x.ai/v1' }, // https://docs.x.ai/docs/api-reference
  'xiaomi-token-plan-ams': { onRequest: FLAT_FEE },
  'xiaomi-token-plan-cn': { onRequest: FLAT_FEE },
  'xiaomi-token-plan-sgp': { onRequest: FLAT_FEE },
  zai: { slug: 'z-ai', free: true },
  'zai-coding-plan': { onRequest: FLAT_FEE },
  zhipuai: { onRequest: OTHER_REGION, free: true },
  'zhipuai-coding-plan': { onRequest: FLAT_FEE },
};

export interface PriceMapProvider {
  /** Our slug. */
  readonly slug: string;
  /** What stands before the provider's own id in the price map. */
  readonly prefix?: string;
  /** Whether its chat models are taken from the map too, where the listing lacks them: the map is slower to forget what has ended. */
  readonly alsoChat?: true;
  /** Set where only the price map knows the provider: its chat models are taken from there. */
  readonly alone?: {
    readonly name: string;
    readonly dialect: string;
    readonly baseUrl: string;
    readonly keyVariables: readonly string[];
    readonly documentation: string;
  };
}

/** By the provider id of the price map (LiteLLM). One that is not here is not imported. */
export const PRICE_MAP_PROVIDERS: Readonly<Record<string, PriceMapProvider>> = {
  ai21: {
    slug: 'ai21',
    alone: {
      name: 'AI21',
      dialect: 'openai-chat',
      baseUrl: 'https://api.ai21.com/studio/v1',
      keyVariables: ['AI21_API_KEY'],
      documentation: 'https://docs.ai21.com/reference/chat-completion',
    },
  },
  anthropic: { slug: 'anthropic' },
  azure: { slug: 'azure', prefix: 'azure/', alsoChat: true },
  azure_ai: { slug: 'azure', prefix: 'azure_ai/', alsoChat: true },
  baseten: { slug: 'baseten', prefix: 'baseten/' },
  bedrock: { slug: 'amazon-bedrock', alsoChat: true },
  bedrock_converse: { slug: 'amazon-bedrock', alsoChat: true },
  cerebras: { slug: 'cerebras', prefix: 'cerebras/' },
  cloudflare: { slug: 'cloudflare', prefix: 'cloudflare/', alsoChat: true },
  cohere: { slug: 'cohere', prefix: 'cohere/' },
  cohere_chat: { slug: 'cohere' },
  dashscope: { slug: 'alibaba', prefix: 'dashscope/', alsoChat: true },
  databricks: { slug: 'databricks', prefix: 'databricks/' },
  deepinfra: { slug: 'deepinfra', prefix: 'deepinfra/', alsoChat: true },
  deepseek: { slug: 'deepseek', prefix: 'deepseek/' },
  fireworks_ai: { slug: 'fireworks', prefix: 'fireworks_ai/', alsoChat: true },
  'fireworks_ai-embedding-models': { slug: 'fireworks', prefix: 'fireworks_ai/' },
  gemini: { slug: 'google-ai-studio', prefix: 'gemini/' },
  gmi: { slug: 'gmicloud', prefix: 'gmi/' },
  groq: { slug: 'groq', prefix: 'groq/', alsoChat: true },
  hyperbolic: {
    ...{ slug: 'hyperbolic', prefix: 'hyperbolic/' },
    alone: {
      name: 'Hyperbolic',
      dialect: 'openai-chat',
      baseUrl: 'https://api.hyperbolic.xyz/v1',
      keyVariables: ['HYPERBOLIC_API_KEY'],
      documentation: 'https://docs.hyperbolic.xyz/docs/rest-api',
    },
  },
  inception: { slug: 'inception', prefix: 'inception/' },
  jina_ai: {
    slug: 'jina',
    alone: {
      name: 'Jina AI',
      dialect: 'jina',
      baseUrl: 'https://api.jina.ai/v1',
      keyVariables: ['JINA_API_KEY'],
      documentation: 'https://api.jina.ai/docs',
    },
  },
  minimax: { slug: 'minimax', prefix: 'minimax/' },
  mistral: { slug: 'mistral', prefix: 'mistral/', alsoChat: true },
  moonshot: { slug: 'moonshotai', prefix: 'moonshot/' },
  morph: { slug: 'morph', prefix: 'morph/' },
  nebius: { slug: 'nebius', prefix: 'nebius/', alsoChat: true },
  novita: { slug: 'novita', prefix: 'novita/', alsoChat: true },
  nscale: {
    ...{ slug: 'nscale', prefix: 'nscale/' },
    alone: {
      name: 'Nscale',
      dialect: 'openai-chat',
      baseUrl: 'https://inference.api.nscale.com/v1',
      keyVariables: ['NSCALE_API_KEY'],
      documentation: 'https://docs.nscale.com/docs/inference/chat',
    },
  },
  openai: { slug: 'openai', alsoChat: true },
  openrouter: { slug: 'openrouter', prefix: 'openrouter/' },
  ovhcloud: { slug: 'ovhcloud', prefix: 'ovhcloud/' },
  perplexity: { slug: 'perplexity', prefix: 'perplexity/', alsoChat: true },
  sambanova: {
    ...{ slug: 'sambanova', prefix: 'sambanova/' },
    alone: {
      name: 'SambaNova',
      dialect: 'openai-chat',
      baseUrl: 'https://api.sambanova.ai/v1',
      keyVariables: ['SAMBANOVA_API_KEY'],
      documentation: 'https://docs.sambanova.ai/cloud/api-reference/endpoints/chat',
    },
  },
  sarvam: { slug: 'sarvam', prefix: 'sarvam/' },
  scaleway: { slug: 'scaleway', prefix: 'scaleway/' },
  snowflake: { slug: 'snowflake-cortex', prefix: 'snowflake/', alsoChat: true },
  together_ai: { slug: 'together', prefix: 'together_ai/' },
  v0: { slug: 'v0', prefix: 'v0/' },
  vercel_ai_gateway: { slug: 'vercel', prefix: 'vercel_ai_gateway/', alsoChat: true },
  vertex_ai: { slug: 'google-vertex', prefix: 'vertex_ai/' },
  'vertex_ai-embedding-models': { slug: 'google-vertex', prefix: 'vertex_ai/' },
  'vertex_ai-image-models': { slug: 'google-vertex', prefix: 'vertex_ai/' },
  'vertex_ai-language-models': { slug: 'google-vertex', prefix: 'vertex_ai/', alsoChat: true },
  'vertex_ai-anthropic_models': { slug: 'google-vertex-anthropic', prefix: 'vertex_ai/' },
  voyage: {
    ...{ slug: 'voyage', prefix: 'voyage/' },
    alone: {
      name: 'Voyage AI',
      dialect: 'voyage',
      baseUrl: 'https://api.voyageai.com/v1',
      keyVariables: ['VOYAGE_API_KEY'],
      documentation: 'https://docs.voyageai.com/reference',
    },
  },
  wandb: { slug: 'wandb', prefix: 'wandb/' },
  xai: { slug: 'xai', prefix: 'xai/' },
  zai: { slug: 'z-ai', prefix: 'zai/' },
};
