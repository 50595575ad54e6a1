// Providers that are there as soon as their key is in the environment, each with a handful of current models. Facts only: names, ids, prices, limits;
// sources in ../NOTICE. Anything else goes into the operator's file, where a provider of the same slug replaces the one from here.
import type { EndpointSource, ProviderSource } from './provider-source.js';

export interface BuiltinProvider {
  readonly keyVariable: string;
  readonly source: ProviderSource;
}

interface ModelFacts {
  readonly upstream: string;
  readonly id: string;
  readonly name: string;
  /** Day of publication. */
  readonly published: string;
  /** USD per million tokens. */
  readonly price: readonly [input: string, output: string, cacheRead?: string, cacheWrite?: string];
  readonly context: number;
  readonly maxOutput: number;
  readonly takes?: readonly ('image' | 'file' | 'video')[];
  readonly can: readonly ('tools' | 'reasoning' | 'structured' | 'sampling')[];
  /** Prices of long prompts: above so many input tokens. */
  readonly long?: { readonly above: number; readonly price: ModelFacts['price'] };
}

const PARAMETERS = {
  tools: ['tools', 'tool_choice', 'parallel_tool_calls'],
  reasoning: ['reasoning', 'include_reasoning', 'reasoning_effort'],
  structured: ['response_format', 'structured_outputs'],
  sampling: ['temperature', 'top_p', 'stop', 'frequency_penalty', 'presence_penalty'],
} as const;

const pricesOf = ([input, output, cacheRead, cacheWrite]: ModelFacts['price']): Record<string, string> => ({
  input,
  output,
  ...(cacheRead === undefined ? {} : { cacheRead }),
  ...(cacheWrite === undefined ? {} : { cacheWrite }),
});

const endpointOf = (model: ModelFacts): EndpointSource => ({
  model: model.id,
  upstreamModel: model.upstream,
  modelName: model.name,
  created: Date.parse(model.published) / 1000,
  context: model.context,
  maxOutput: model.maxOutput,
  price: pricesOf(model.price),
  ...(model.long === undefined
    ? {}
    : { tiers: [{ aboveInputTokens: model.long.above, price: pricesOf(model.long.price) }] }),
  inputModalities: ['text', ...(model.takes ?? [])],
  outputModalities: ['text'],
  supportedParameters: [
    'max_tokens',
    'max_completion_tokens',
    'seed',
    ...model.can.flatMap((ability) => PARAMETERS[ability]),
  ],
});

const provider = (
  slug: string,
  name: string,
  keyVariable: string,
  baseUrl: string,
  more: Pick<ProviderSource, 'dataPolicy' | 'quirks'>,
  models: readonly ModelFacts[],
): BuiltinProvider => ({
  keyVariable,
  source: {
    slug,
    name,
    dialect: 'openai-chat',
    baseUrl,
    allowPrivateAddress: false,
    ...more,
    credential: { kind: 'bearer' },
    endpoints: models.map(endpointOf),
  },
});

const model = (
  upstream: string,
  id: string,
  name: string,
  published: string,
  price: ModelFacts['price'],
  context: number,
  maxOutput: number,
  can: ModelFacts['can'],
  more: Pick<ModelFacts, 'takes' | 'long'> = {},
): ModelFacts => ({ upstream, id, name, published, price, context, maxOutput, can, ...more });

export const BUILTIN_PROVIDERS: readonly BuiltinProvider[] = [
  provider(
    'openai',
    'OpenAI',
    'OPENAI_API_KEY',
    'https://api.openai.com/v1',
    {
      dataPolicy: { retains: true, trains: false, source: 'https://platform.openai.com/docs/guides/your-data' },
      // https://platform.openai.com/docs/guides/reasoning: reasoning models refuse max_tokens.
      quirks: { outputCapField: 'max_completion_tokens' },
    },
    [
      model(
        'gpt-5.5',
        'openai/gpt-5.5',
        'GPT-5.5',
        '2026-04-23',
        ['5', '30', '0.5'],
        1_050_000,
        128_000,
        ['tools', 'reasoning', 'structured'],
        {
          takes: ['image', 'file'],
          long: { above: 272_000, price: ['10', '45', '1'] },
        },
      ),
      model(
        'gpt-5.4-mini',
        'openai/gpt-5.4-mini',
        'GPT-5.4 mini',
        '2026-03-17',
        ['0.75', '4.5', '0.075'],
        400_000,
        128_000,
        ['tools', 'reasoning', 'structured'],
        { takes: ['image'] },
      ),
      model(
        'gpt-5.4-nano',
        'openai/gpt-5.4-nano',
        'GPT-5.4 nano',
        '2026-03-17',
        ['0.2', '1.25', '0.02'],
        400_000,
        128_000,
        ['tools', 'reasoning', 'structured'],
        { takes: ['image'] },
      ),
      model(
        'gpt-4.1',
        'openai/gpt-4.1',
        'GPT-4.1',
        '2025-04-14',
        ['2', '8', '0.5'],
        1_047_576,
        32_768,
        ['tools', 'structured', 'sampling'],
        { takes: ['image', 'file'] },
      ),
      model(
        'gpt-4o-mini',
        'openai/gpt-4o-mini',
        'GPT-4o mini',
        '2024-07-18',
        ['0.15', '0.6', '0.075'],
        128_000,
        16_384,
        ['tools', 'structured', 'sampling'],
        { takes: ['image', 'file'] },
      ),
    ],
  ),
  provider('deepseek', 'DeepSeek', 'DEEPSEEK_API_KEY', 'https://api.deepseek.com/v1', {}, [
    model(
      'deepseek-v4-flash',
      'deepseek/deepseek-v4-flash',
      'DeepSeek V4 Flash',
      '2026-04-24',
      ['0.14', '0.28', '0.0028'],
      1_000_000,
      384_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
    model(
      'deepseek-v4-pro',
      'deepseek/deepseek-v4-pro',
      'DeepSeek V4 Pro',
      '2026-04-24',
      ['0.435', '0.87', '0.003625'],
      1_000_000,
      384_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
  ]),
  provider('mistral', 'Mistral', 'MISTRAL_API_KEY', 'https://api.mistral.ai/v1', {}, [
    model(
      'mistral-large-2512',
      'mistralai/mistral-large-2512',
      'Mistral Large 3',
      '2025-12-02',
      ['0.5', '1.5'],
      262_144,
      262_144,
      ['tools', 'structured', 'sampling'],
      { takes: ['image'] },
    ),
    model(
      'mistral-medium-2604',
      'mistralai/mistral-medium-2604',
      'Mistral Medium 3.5',
      '2026-04-29',
      ['1.5', '7.5'],
      262_144,
      262_144,
      ['tools', 'structured', 'sampling'],
      { takes: ['image'] },
    ),
    model(
      'mistral-small-2603',
      'mistralai/mistral-small-2603',
      'Mistral Small 4',
      '2026-03-16',
      ['0.15', '0.6'],
      256_000,
      256_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
      { takes: ['image'] },
    ),
  ]),
  provider('groq', 'Groq', 'GROQ_API_KEY', 'https://api.groq.com/openai/v1', {}, [
    model(
      'openai/gpt-oss-120b',
      'openai/gpt-oss-120b',
      'gpt-oss-120b',
      '2025-08-05',
      ['0.15', '0.6', '0.075'],
      131_072,
      65_536,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
    model(
      'openai/gpt-oss-20b',
      'openai/gpt-oss-20b',
      'gpt-oss-20b',
      '2025-08-05',
      ['0.075', '0.3', '0.0375'],
      131_072,
      65_536,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
    model(
      'llama-3.3-70b-versatile',
      'meta-llama/llama-3.3-70b-instruct',
      'Llama 3.3 70B Instruct',
      '2024-12-06',
      ['0.59', '0.79'],
      131_072,
      32_768,
      ['tools', 'sampling'],
    ),
  ]),
  provider('xai', 'xAI', 'XAI_API_KEY', 'https://api.x.ai/v1', {}, [
    model(
      'grok-4.3',
      'x-ai/grok-4.3',
      'Grok 4.3',
      '2026-04-17',
      ['1.25', '2.5', '0.2'],
      1_000_000,
      30_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
      {
        takes: ['image', 'file'],
        long: { above: 200_000, price: ['2.5', '5', '0.4'] },
      },
    ),
    model(
      'grok-build-0.1',
      'x-ai/grok-build-0.1',
      'Grok Build 0.1',
      '2026-04-16',
      ['1', '2', '0.2'],
      256_000,
      256_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
      {
        takes: ['image', 'file'],
        long: { above: 200_000, price: ['2', '4', '0.4'] },
      },
    ),
  ]),
  provider('together', 'Together AI', 'TOGETHER_API_KEY', 'https://api.together.xyz/v1', {}, [
    model(
      'openai/gpt-oss-120b',
      'openai/gpt-oss-120b',
      'gpt-oss-120b',
      '2025-08-05',
      ['0.15', '0.6'],
      131_072,
      131_072,
      ['tools', 'reasoning', 'sampling'],
    ),
    model('openai/gpt-oss-20b', 'openai/gpt-oss-20b', 'gpt-oss-20b', '2025-08-05', ['0.05', '0.2'], 131_072, 131_072, [
      'tools',
      'reasoning',
      'structured',
      'sampling',
    ]),
    model(
      'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      'meta-llama/llama-3.3-70b-instruct',
      'Llama 3.3 70B Instruct',
      '2024-12-06',
      ['0.88', '0.88'],
      131_072,
      131_072,
      ['tools', 'sampling'],
    ),
    model(
      'deepseek-ai/DeepSeek-V4-Pro',
      'deepseek/deepseek-v4-pro',
      'DeepSeek V4 Pro',
      '2026-04-24',
      ['1.74', '3.48', '0.2'],
      512_000,
      384_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
    model(
      'moonshotai/Kimi-K2.6',
      'moonshotai/kimi-k2.6',
      'Kimi K2.6',
      '2026-04-21',
      ['1.2', '4.5', '0.2'],
      262_144,
      131_000,
      ['tools', 'reasoning', 'structured', 'sampling'],
      { takes: ['image', 'video'] },
    ),
    model('zai-org/GLM-5.2', 'z-ai/glm-5.2', 'GLM-5.2', '2026-06-16', ['1.4', '4.4', '0.26'], 262_144, 164_000, [
      'tools',
      'reasoning',
      'structured',
      'sampling',
    ]),
  ]),
  provider('fireworks', 'Fireworks AI', 'FIREWORKS_API_KEY', 'https://api.fireworks.ai/inference/v1', {}, [
    model(
      'accounts/fireworks/models/gpt-oss-120b',
      'openai/gpt-oss-120b',
      'gpt-oss-120b',
      '2025-08-05',
      ['0.15', '0.6', '0.015'],
      131_072,
      32_768,
      ['tools', 'reasoning', 'sampling'],
    ),
    model(
      'accounts/fireworks/models/gpt-oss-20b',
      'openai/gpt-oss-20b',
      'gpt-oss-20b',
      '2025-08-05',
      ['0.07', '0.3', '0.035'],
      131_072,
      32_768,
      ['tools', 'reasoning', 'sampling'],
    ),
    model(
      'accounts/fireworks/models/kimi-k2p6',
      'moonshotai/kimi-k2.6',
      'Kimi K2.6',
      '2026-04-17',
      ['0.95', '4', '0.16'],
      262_000,
      262_000,
      ['tools', 'reasoning', 'sampling'],
      { takes: ['image'] },
    ),
    model(
      'accounts/fireworks/models/glm-5p2',
      'z-ai/glm-5.2',
      'GLM-5.2',
      '2026-06-16',
      ['1.4', '4.4', '0.26'],
      1_048_575,
      131_072,
      ['tools', 'reasoning', 'sampling'],
    ),
  ]),
  provider('openrouter', 'OpenRouter', 'OPENROUTER_API_KEY', 'https://openrouter.ai/api/v1', {}, [
    model(
      'anthropic/claude-sonnet-4',
      'anthropic/claude-sonnet-4',
      'Claude Sonnet 4',
      '2025-05-22',
      ['3', '15', '0.3', '3.75'],
      1_000_000,
      64_000,
      ['tools', 'reasoning', 'sampling'],
      {
        takes: ['image', 'file'],
        long: { above: 200_000, price: ['6', '22.5', '0.6', '7.5'] },
      },
    ),
    model(
      'deepseek/deepseek-chat-v3.1',
      'deepseek/deepseek-chat-v3.1',
      'DeepSeek V3.1',
      '2025-08-21',
      ['0.21', '0.79', '0.13'],
      163_840,
      32_768,
      ['tools', 'reasoning', 'structured', 'sampling'],
    ),
  ]),
];
