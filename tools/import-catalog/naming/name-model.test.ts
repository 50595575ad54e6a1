// One model has one name, however a provider spells it; and what cannot be told is told to be so.
import { createNaming, registryOf, type ModelToName } from './name-model.ts';

const KNOWN = [
  'anthropic/claude-haiku-4.5',
  'anthropic/claude-opus-4',
  'anthropic/claude-sonnet-4.5',
  'deepseek/deepseek-chat',
  'deepseek/deepseek-chat-v3.1',
  'deepseek/deepseek-v3.2',
  'google/gemma-4-31b-it',
  'meta-llama/llama-3.1-8b-instruct',
  'meta-llama/llama-3.3-70b-instruct',
  'meta-llama/llama-4-maverick',
  'mistralai/mistral-large-2512',
  'mistralai/mistral-small-3.2-24b-instruct',
  'moonshotai/kimi-k2-0905',
  'moonshotai/kimi-k2.6',
  'openai/gpt-4o-2024-08-06',
  'openai/gpt-5',
  'openai/gpt-5-chat',
  'openai/gpt-oss-120b',
  'qwen/qwen-2.5-72b-instruct',
  'qwen/qwen3-235b-a22b-2507',
  'qwen/qwen3-coder',
  'x-ai/grok-4.3',
  'z-ai/glm-5.2',
];
const model = (provider: string, upstreamModel: string, baseModel?: string): ModelToName => ({
  ...{ provider, listedAs: provider, upstreamModel },
  ...(baseModel === undefined ? {} : { baseModel }),
});
const nameOf = (one: ModelToName, ...others: ModelToName[]) =>
  createNaming(registryOf(KNOWN), [one, ...others]).nameOf(one);

describe('the name of a model', () => {
  it.each<[provider: string, upstream: string, base: string | undefined, named: object]>([
    ['anthropic', 'claude-sonnet-4-5-20250929', undefined, { model: 'anthropic/claude-sonnet-4.5' }],
    ['cortecs', 'claude-4-5-sonnet', undefined, { model: 'anthropic/claude-sonnet-4.5' }],
    ['sap', 'anthropic--claude-4-opus', undefined, { model: 'anthropic/claude-opus-4' }],
    ['google-vertex-anthropic', 'claude-haiku-4-5@20251001', undefined, { model: 'anthropic/claude-haiku-4.5' }],
    [
      'amazon-bedrock',
      'eu.anthropic.claude-haiku-4-5-20251001-v1:0',
      undefined,
      { model: 'anthropic/claude-haiku-4.5', tag: 'eu' },
    ],
    ['amazon-bedrock', 'openai.gpt-oss-120b-1:0', undefined, { model: 'openai/gpt-oss-120b' }],
    ['amazon-bedrock', 'qwen.qwen3-235b-a22b-2507-v1:0', undefined, { model: 'qwen/qwen3-235b-a22b-2507' }],
    ['fireworks', 'accounts/fireworks/models/kimi-k2p6', undefined, { model: 'moonshotai/kimi-k2.6' }],
    [
      'fireworks',
      'accounts/fireworks/routers/kimi-k2p6-turbo',
      undefined,
      { model: 'moonshotai/kimi-k2.6', tag: 'turbo' },
    ],
    [
      'together',
      'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      undefined,
      { model: 'meta-llama/llama-3.3-70b-instruct', tag: 'turbo' },
    ],
    [
      'together',
      'Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8',
      undefined,
      { model: 'qwen/qwen3-coder', tag: 'fp8', quantization: 'fp8' },
    ],
    ['groq', 'llama-3.3-70b-versatile', undefined, { model: 'meta-llama/llama-3.3-70b-instruct' }],
    ['groq', 'llama-3.1-8b-instant', undefined, { model: 'meta-llama/llama-3.1-8b-instruct' }],
    ['sambanova', 'Llama-4-Maverick-17B-128E-Instruct', undefined, { model: 'meta-llama/llama-4-maverick' }],
    ['cloudflare', '@cf/meta/llama-3.1-8b-instruct', undefined, { model: 'meta-llama/llama-3.1-8b-instruct' }],
    ['clarifai', 'qwen/qwenLM/models/Qwen2_5-72B-Instruct', undefined, { model: 'qwen/qwen-2.5-72b-instruct' }],
    ['google-vertex-chat', 'openai/gpt-oss-120b-maas', undefined, { model: 'openai/gpt-oss-120b' }],
    ['ollama-cloud', 'gemma4:31b', undefined, { model: 'google/gemma-4-31b-it' }],
    ['ollama-cloud', 'mistral-large-3:675b', undefined, { model: 'mistralai/mistral-large-2512' }],
    ['mistral', 'mistral-small-2506', undefined, { model: 'mistralai/mistral-small-3.2-24b-instruct' }],
    ['siliconflow-cn', 'Pro/zai-org/GLM-5.2', undefined, { model: 'z-ai/glm-5.2', tag: 'pro' }],
    ['nano-gpt', 'TEE/deepseek-v3.2', undefined, { model: 'deepseek/deepseek-v3.2', tag: 'tee' }],
    ['huggingface', 'deepseek-ai/DeepSeek-V3.1', undefined, { model: 'deepseek/deepseek-chat-v3.1' }],
    ['moonshotai', 'kimi-k2-0905-preview', undefined, { model: 'moonshotai/kimi-k2-0905' }],
    ['openai', 'gpt-5-chat-latest', undefined, { model: 'openai/gpt-5-chat' }],
    ['openai', 'gpt-5-2025-08-07', undefined, { model: 'openai/gpt-5' }],
    ['openai', 'gpt-4o-2024-08-06', undefined, { model: 'openai/gpt-4o-2024-08-06' }],
    ['frogbot', 'grok-4-3', undefined, { model: 'x-ai/grok-4.3' }],
    ['zenmux', 'z-ai/glm-5.2-free', undefined, { model: 'z-ai/glm-5.2:free' }],
    ['openrouter', 'deepseek/deepseek-chat', undefined, { model: 'deepseek/deepseek-chat' }],
    ['some', 'house-name', 'zhipuai/glm-5.2', { model: 'z-ai/glm-5.2' }],
    ['some', 'openai/gpt-5', 'zhipuai/glm-5.2', { model: 'openai/gpt-5' }],
  ])('at %s of %s (base %s)', (provider, upstream, base, named) =>
    expect(nameOf(model(provider, upstream, base))).toEqual(named),
  );

  it.each([
    ['deepseek', 'deepseek-chat', 'its name moves from model to model'],
    ['mistral', 'mistral-large-latest', 'its name moves from model to model'],
    ['openrouter', '~anthropic/claude-opus-latest', 'its name moves from model to model'],
    ['kilo', 'stealth/claude-opus-4.7', 'nobody is known as "stealth"'],
    ['crof', 'greg-rp', 'no author is in its name, and no family that is known'],
    ['nano-gpt', 'claude-opus-4-thinking:8192', '":8192" is a setting of this provider'],
    ['nano-gpt', 'Qwen3.5-27B-Anko', 'only one reseller uses this name, and it tells no author'],
  ])('at %s of %s is not told: %s', (provider, upstream, why) =>
    expect(nameOf(model(provider, upstream))).toEqual({ unnamed: why }),
  );

  it('is the spelling that most use, where no reference knows it', () => {
    const spellings = [model('a', 'Qwen/Qwen-9-9B'), model('b', 'qwen/qwen9-9b'), model('c', 'qwen9-9b')];
    const [one, ...others] = spellings;
    if (one === undefined) throw new Error('there is one');
    expect(nameOf(one, ...others)).toEqual({ model: 'qwen/qwen9-9b' });
  });

  it('is believed of a family’s name where two resellers use it, or whoever made it', () => {
    expect(nameOf(model('a', 'qwen9-9b'), model('b', 'qwen9-9b'))).toEqual({ model: 'qwen/qwen9-9b' });
    expect(nameOf(model('alibaba', 'qwen9-9b'))).toEqual({ model: 'qwen/qwen9-9b' });
  });
});
