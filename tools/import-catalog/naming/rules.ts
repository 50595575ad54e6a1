// How providers spell models, as data: what is cut off or rewritten until the same weights have the same name everywhere. Applied in order to the
// lower-case id; a rule with providers holds only for these.

export interface NameRule {
  readonly why: string;
  readonly providers?: readonly string[];
  readonly pattern: RegExp;
  readonly to: string;
  /** What tells this endpoint apart from another of the same model at the same provider. `$1` is what the pattern caught. */
  readonly tag?: string;
  readonly quantization?: string;
}

const BEDROCK = ['amazon-bedrock', 'amazon-bedrock-responses', 'amazon-bedrock-responses-2'];

export const RULES: readonly NameRule[] = [
  // Where the provider files its models.
  { why: 'Hugging Face route', pattern: /^hf:/, to: '' },
  { why: 'folder of Fireworks', pattern: /^accounts\/fireworks\/models\//, to: '' },
  {
    why: 'router of Fireworks: served faster, at another price',
    pattern: /^accounts\/fireworks\/routers\/(.*)-turbo$/,
    to: '$1',
    tag: 'turbo',
  },
  {
    why: 'router of Fireworks: served faster, at another price',
    pattern: /^accounts\/fireworks\/routers\/(.*)-fast$/,
    to: '$1',
    tag: 'fast',
  },
  { why: 'folder of Cloudflare', pattern: /^(?:workers-ai\/)?@cf\//, to: '' },
  { why: 'folder of Clarifai', pattern: /^([^/]+)\/[^/]+\/models\//, to: '$1/' },
  { why: 'fork of Fireworks’ p for a point', providers: ['fireworks'], pattern: /(\d)p(\d)/g, to: '$1.$2' },
  { why: 'paid tier of SiliconFlow', pattern: /^pro\//, to: '', tag: 'pro' },
  { why: 'confidential computing', pattern: /^tee\//, to: '', tag: 'tee' },
  { why: 'confidential computing', providers: ['nano-gpt', 'chutes'], pattern: /-tee$/, to: '', tag: 'tee' },
  {
    why: 'another source of the same model',
    providers: ['nano-gpt'],
    pattern: /-(original|cheaper)(?=:|$)/,
    to: '',
    tag: '$1',
  },
  { why: 'the brand for the author', pattern: /^bytedance\/(?=(?:doubao-)?seed-)/, to: 'bytedance-seed/' },
  { why: 'folder of a router', pattern: /^(?:route|public|novita|siliconflow|databricks|fal-ai)\//, to: '' },
  {
    why: 'repackaged weights',
    pattern:
      /^(?:unsloth|neuralmagic|intel|chutesai|fireworks-ai|cerebras|pearl-ai|openrouter|baseten|cortecs|evroc)\//,
    to: '',
  },
  {
    why: 'inference region of Bedrock',
    pattern: /^(us|eu|apac|jp|au|global|us-gov)\.(?=[a-z0-9]+\.)/,
    to: '',
    tag: '$1',
  },
  { why: 'author in front of a dot (Bedrock)', providers: BEDROCK, pattern: /^([a-z0-9]+)\.(?=[a-z])/, to: '$1/' },
  { why: 'author in front of two dashes (SAP)', pattern: /^([a-z]+)--/, to: '$1/' },
  {
    why: 'author in front of a dash',
    providers: ['digitalocean', 'snowflake-cortex'],
    pattern: /^(openai|anthropic|alibaba|arcee)-/,
    to: '',
  },
  {
    why: 'provider in front',
    pattern:
      /^(?:databricks-|duo-chat-|aws-|azure-|alicloud-|workers-ai-|zai-(?=glm)|google-(?=gem)|cohere-(?=command|embed|rerank)|arcee-(?=trinity)|aion-labs-)/,
    to: '',
  },
  { why: 'Claude by GitLab and Snowflake', providers: ['gitlab'], pattern: /^(haiku|opus|sonnet)-/, to: 'claude-$1-' },
  { why: 'size behind a colon (Ollama)', providers: ['ollama-cloud'], pattern: /:(\d)/, to: '-$1' },

  // Snapshots, versions of the provider's own packaging, moving marks.
  {
    why: 'version of Bedrock',
    pattern: /(?<!(?:titan|stable-|sd3|embed|rerank).*)-v\d+(?::\d+)?$/,
    to: '',
    providers: BEDROCK,
  },
  { why: 'version of Bedrock', pattern: /(?<=-v\d+):\d$/, to: '', providers: BEDROCK },
  { why: 'version of Bedrock', pattern: /-\d:\d$/, to: '', providers: BEDROCK },
  { why: 'version of Vertex', pattern: /@default$/, to: '' },
  { why: 'version of Vertex', pattern: /@(\d+)$/, to: '-$1' },
  { why: 'model as a service at Vertex', pattern: /-maas$/, to: '' },
  { why: 'chat models of ChatGPT', pattern: /^((?:openai\/)?gpt-5(?:\.\d)?-chat)-latest$/, to: '$1' },
  { why: 'free tier', pattern: /-free$/, to: ':free' },
  { why: 'snapshot of a model that has one name', pattern: /^((?:anthropic\/)?claude-.*?)-20\d{6}$/, to: '$1' },
  {
    why: 'snapshot of a model that has one name',
    pattern: /^((?:openai\/)?(?:gpt-[45][.\d]*(?:-(?:mini|nano|pro|codex))?|o[134](?:-mini|-pro)?))-202[56]-\d\d-\d\d$/,
    to: '$1',
  },

  // Quantization and speed.
  {
    why: 'weights of fewer bits',
    pattern: /-(fp8|fp4|nvfp4|mxfp4|int4|int8|bf16|fp16)(?:-tput|-turbo|-fast)?$/,
    to: '',
    tag: '$1',
    quantization: '$1',
  },
  {
    why: 'weights of fewer bits',
    pattern: /-(?:awq|w4a16|gptq|mlx-4bit|q4_k_m|iq4_xs|gguf)$/,
    to: '',
    tag: 'int4',
    quantization: 'int4',
  },
  {
    why: 'served faster, at another price',
    providers: ['together', 'deepinfra', 'nebius', 'venice', 'novita', 'helicone', 'io-net'],
    pattern: /-(turbo|tput|fast|lite)$/,
    to: '',
    tag: '$1',
  },
  {
    why: 'served at another price',
    providers: ['neuralwatt'],
    pattern: /-(fast|flex|short|short-fast|short-flex|short-fast-flex)$/,
    to: '',
    tag: '$1',
  },

  // One family, many spellings.
  { why: 'underscore for a dash', pattern: /(?<=[a-z])_(?=\d)/g, to: '-' },
  { why: 'underscore for a point', pattern: /(\d)_(\d)/g, to: '$1.$2' },
  { why: 'Meta in front of Llama', pattern: /(^|\/)meta-llama-?(?=\d)/, to: '$1llama-' },
  { why: 'Meta in front of Llama', pattern: /(^|\/)meta-(?=llama-)/, to: '$1' },
  {
    why: 'Claude by version first',
    pattern: /(^|\/)claude-(\d)[.-](\d)-(haiku|opus|sonnet)$/,
    to: '$1claude-$4-$2.$3',
  },
  { why: 'Claude by version first', pattern: /(^|\/)claude-4(?:[.-]0)?-(opus|sonnet)$/, to: '$1claude-$2-4' },
  { why: 'Claude 4 by its zero', pattern: /(^|\/)claude-(opus|sonnet)-4-0$/, to: '$1claude-$2-4' },
  { why: 'Claude 3 by version last', pattern: /(^|\/)claude-(haiku|opus|sonnet)-3[.-](\d)$/, to: '$1claude-3.$3-$2' },
  {
    why: 'Claude by a dash for its point',
    pattern: /(^|\/)claude-(haiku|opus|sonnet)-(\d)-(\d)$/,
    to: '$1claude-$2-$3.$4',
  },
  {
    why: 'Claude by a dash for its point',
    pattern: /(^|\/)claude-3-([57])-(haiku|opus|sonnet)$/,
    to: '$1claude-3.$2-$3',
  },
  { why: 'Claude 3.5 by its second version', pattern: /(^|\/)claude-3[.-]5-sonnet-v2$/, to: '$1claude-3.5-sonnet' },
  { why: 'GPT-3.5 at Azure', pattern: /(^|\/)gpt-35-/, to: '$1gpt-3.5-' },
  {
    why: 'Llama 4 by its experts',
    pattern: /(^|\/)llama-?4-(maverick|scout)(?:-17b.*|-instruct)?$/,
    to: '$1llama-4-$2',
  },
  { why: 'Llama 3.3 at Groq', pattern: /llama-3\.3-70b-versatile$/, to: 'llama-3.3-70b-instruct' },
  { why: 'Llama 3.1 at Groq', pattern: /llama-3\.1-8b-instant$/, to: 'llama-3.1-8b-instruct' },
  { why: 'DeepSeek V3.x by its chat name', pattern: /(^|\/)deepseek-v3-0324$/, to: '$1deepseek-chat-v3-0324' },
  { why: 'DeepSeek V3.x by its chat name', pattern: /(^|\/)deepseek-v3[.-]1(?:-671b)?$/, to: '$1deepseek-chat-v3.1' },
  { why: 'DeepSeek V3 by its chat name', pattern: /(^|\/)deepseek-v3$/, to: '$1deepseek-chat' },
  { why: 'DeepSeek without its name', pattern: /(^|deepseek\/)(r1|v3\.\d)$/, to: '$1deepseek-$2' },
  { why: 'DeepSeek without its V', pattern: /(^|\/)deepseek-(3\.2|4-flash|4-pro)$/, to: '$1deepseek-v$2' },
  { why: 'DeepSeek R1 by its size', pattern: /(^|\/)deepseek-r1-671b$/, to: '$1deepseek-r1' },
  {
    why: 'Qwen3 by its active parameters',
    pattern: /(^|\/)qwen3-235b-a22b-instruct-2507$/,
    to: '$1qwen3-235b-a22b-2507',
  },
  { why: 'Qwen3 Coder by its size', pattern: /(^|\/)qwen3-coder-480b(?:-a35b)?(?:-instruct)?$/, to: '$1qwen3-coder' },
  {
    why: 'Qwen3 Coder by its size',
    pattern: /(^|\/)qwen3-coder-30b(?:-a3b)?(?:-instruct)?$/,
    to: '$1qwen3-coder-30b-a3b-instruct',
  },
  {
    why: 'Qwen3 Next by its size',
    pattern: /(^|\/)qwen3-next-80b(?:-a3b)?(?:-instruct)?$/,
    to: '$1qwen3-next-80b-a3b-instruct',
  },
  { why: 'Qwen3 VL by its size', pattern: /(^|\/)qwen3-vl-235b(?:-a22b)?$/, to: '$1qwen3-vl-235b-a22b-instruct' },
  { why: 'Qwen3.5 by its size', pattern: /(^|\/)qwen3\.5-397b$/, to: '$1qwen3.5-397b-a17b' },
  { why: 'Qwen3.5 by its size', pattern: /(^|\/)qwen3\.5-122b$/, to: '$1qwen3.5-122b-a10b' },
  { why: 'Qwen3.6 by its size', pattern: /(^|\/)qwen3\.6-35b$/, to: '$1qwen3.6-35b-a3b' },
  { why: 'Kimi K2 by its first day', pattern: /(^|\/)kimi-k2(?:-0711(?:-preview)?|-instruct|-1t)$/, to: '$1kimi-k2' },
  { why: 'Kimi K2 by its second day', pattern: /(^|\/)kimi-k2(?:-0905-preview|-instruct-0905)$/, to: '$1kimi-k2-0905' },
  { why: 'Kimi with its family twice', pattern: /^moonshot-kimi-/, to: 'kimi-' },
  { why: 'Gemini 3 by a zero', pattern: /(^|\/)gemini-3\.0-/, to: '$1gemini-3-' },
  { why: 'Seed with the brand in front', pattern: /(^|\/)doubao-seed-/, to: '$1seed-' },
  { why: 'Seed by a dash', pattern: /(^|\/)seed-(\d)-(\d)(?=-|$)/, to: '$1seed-$2.$3' },
  {
    why: 'Mistral Large 3 by its size',
    pattern: /(^|\/)mistral-large-3(?:-675b(?:-instruct(?:-2512)?)?)?$/,
    to: '$1mistral-large-2512',
  },
  { why: 'Devstral 2 by its size', pattern: /(^|\/)devstral-2(?:-123b(?:-instruct-2512)?)$/, to: '$1devstral-2512' },
  {
    why: 'Ministral 3 by its size',
    pattern: /(^|\/)ministral-3-(3b|8b|14b)(?:-instruct)?(?:-2512)?$/,
    to: '$1ministral-$2-2512',
  },
  {
    why: 'Mistral Small 3.2',
    pattern: /(^|\/)mistral-small-?3[.-]2(?:-24b)?(?:-instruct)?(?:-2506)?$|(^|\/)mistral-small-2506$/,
    to: '$1$2mistral-small-3.2-24b-instruct',
  },
  {
    why: 'Mistral Small 3.1',
    pattern: /(^|\/)mistral-small-?3[.-]?1(?:-24b)?(?:-instruct)?(?:-2503)?$|(^|\/)mistral-small-2503$/,
    to: '$1$2mistral-small-3.1-24b-instruct',
  },
  { why: 'Mistral Nemo', pattern: /(^|\/)(?:open-)?mistral-nemo(?:-instruct)?(?:-2407|-12b)?$/, to: '$1mistral-nemo' },
  { why: 'Mistral Medium 3', pattern: /(^|\/)mistral-medium-2505$/, to: '$1mistral-medium-3' },
  { why: 'Mistral Medium 3.1', pattern: /(^|\/)mistral-medium-2508$/, to: '$1mistral-medium-3.1' },
  { why: 'Mistral Medium 3.5', pattern: /(^|\/)mistral-medium-(?:2604|3\.5)$/, to: '$1mistral-medium-3-5' },
  {
    why: 'Nemotron 3 by its active parameters',
    pattern: /(^|\/)nemotron-(?:3-super-120b|super-3-120b)$/,
    to: '$1nemotron-3-super-120b-a12b',
  },
  {
    why: 'Nemotron 3 by its active parameters',
    pattern: /(^|\/)nemotron-(?:3-nano-30b|nano-3-30b)$/,
    to: '$1nemotron-3-nano-30b-a3b',
  },
  {
    why: 'Nemotron 3 by its active parameters',
    pattern: /(^|\/)nemotron-3-ultra-550b$/,
    to: '$1nemotron-3-ultra-550b-a55b',
  },
  { why: 'NVIDIA in front of Nemotron', pattern: /(^|\/)nvidia-(?=nemotron)/, to: '$1' },
  { why: 'Gemma by its size', pattern: /(^|\/)gemma-?4-31b$/, to: '$1gemma-4-31b-it' },
  { why: 'Gemma by its size', pattern: /(^|\/)gemma-?4-26b(?:-a4b)?$/, to: '$1gemma-4-26b-a4b-it' },
  {
    why: 'Grok 4.20 by its month',
    pattern: /(^|\/)grok-4[.-]20-(?:beta-)?0309-(reasoning|non-reasoning)$/,
    to: '$1grok-4.20-$2',
  },
  {
    why: 'Grok 4.20 by its month',
    pattern: /(^|\/)grok-4[.-]20-multi-agent(?:-beta)?-0309$/,
    to: '$1grok-4.20-multi-agent',
  },
  { why: 'Grok 4 by its month', pattern: /(^|\/)grok-4-0709$/, to: '$1grok-4' },
  { why: 'Embed by its version first', pattern: /(^|\/)embed-v-?4[.-]0$/, to: '$1embed-v4.0' },
  { why: 'Embed by its version first', pattern: /(^|\/)(embed|rerank)-v3-(english|multilingual)$/, to: '$1$2-$3-v3.0' },
  { why: 'Cohere by its month', pattern: /(^|\/)command-a-03-2025$/, to: '$1command-a' },
  { why: 'Cohere by its month', pattern: /(^|\/)north-mini-code-1-0$/, to: '$1north-mini-code' },
  { why: 'Solar with a dash', pattern: /(^|\/)solar-pro(\d)$/, to: '$1solar-pro-$2' },
  { why: 'Phi by its packaging', pattern: /(^|\/)phi-4-(mini|multimodal)$/, to: '$1phi-4-$2-instruct' },
];

/** Names that move from one set of weights to another: what they mean today nobody can promise, so they are no models. */
export const MOVING: readonly RegExp[] = [/^~/, /(?<!-chat)-latest(?:$|[:-])/, /^deepseek-(?:chat|reasoner)$/];
export const MOVING_BASES: readonly RegExp[] = [/(?<!-chat)-latest$/, /^deepseek\/deepseek-(?:chat|reasoner)$/];

/** Endings that some providers leave out and others write: tried one by one until the name is one that is known. */
export const OPTIONAL_ENDINGS: readonly string[] = ['instruct', 'it', 'v1'];

/** What no rule can know, by provider and id as the provider spells it. */
export const CURATED: Readonly<Record<string, string>> = {
  'openrouter/deepseek/deepseek-chat': 'deepseek/deepseek-chat',
  'opencode/gemini-3-flash': 'google/gemini-3-flash-preview',
  'opencode/gemini-3.1-pro': 'google/gemini-3.1-pro-preview',
  'ollama-cloud/cogito-2.1:671b': 'deepcogito/cogito-v2.1-671b',
  'azure/cohere-command-a': 'cohere/command-a',
  'togetherai/deepseek-ai/DeepSeek-V3': 'deepseek/deepseek-chat',
  'amazon-bedrock/mistral.pixtral-large-2502-v1:0': 'mistralai/pixtral-large-2502',
  'nova/nova-2-lite-v1': 'amazon/nova-2-lite-v1',
  'nova/nova-2-pro-v1': 'amazon/nova-2-pro-v1',
  'kimi-for-coding/k2p5': 'moonshotai/kimi-k2.5',
  'kimi-for-coding/k2p6': 'moonshotai/kimi-k2.6',
  'cerebras/zai-glm-4.7': 'z-ai/glm-4.7',
  'perplexity/sonar': 'perplexity/sonar',
  'digitalocean/all-mini-lm-l6-v2': 'sentence-transformers/all-minilm-l6-v2',
  'digitalocean/multi-qa-mpnet-base-dot-v1': 'sentence-transformers/multi-qa-mpnet-base-dot-v1',
};
