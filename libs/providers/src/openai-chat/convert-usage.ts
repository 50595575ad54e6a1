// Usage of chat completions to our disjoint classes: cached and audio tokens are inside of `prompt_tokens`, reasoning and audio inside of
// `completion_tokens`, so they are taken out. https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
// Invariant: no count is ever negative, fractional or above what the endpoint can do; what had to be bent is marked `clamped`.
import type { Usage, UsageSource } from '@waystation/generation';

export interface ConvertedUsage {
  readonly usage: Usage;
  readonly source: UsageSource;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const SEARCHES_MAX = 1_000_000;
const SECONDS_MAX = 1_000_000;

/**
 * What Perplexity's deep research counts beside prompt and completion, and beside their total: what it read (at the price of the prompt), thought and searched.
 * Its other models tell no reasoning, and bill nothing of these. https://docs.perplexity.ai/getting-started/pricing
 */
const toldByResearch = (
  value: Record<string, unknown>,
): { readonly citations: unknown; readonly searches: unknown } | undefined => {
  const { citation_tokens: citations, num_search_queries: searches, reasoning_tokens: reasoning } = value;
  return typeof reasoning === 'number' && (typeof citations === 'number' || typeof searches === 'number')
    ? { citations, searches }
    : undefined;
};

/**
 * @returns undefined where the provider told nothing: no object, no counts, or a placeholder of zeros
 */
export const convertUsage = (
  value: unknown,
  tokensMax: { input: number; output: number },
): ConvertedUsage | undefined => {
  if (!isRecord(value)) return undefined;
  let clamped = false;

  /** A count in [0, max]; undefined where it was not told. */
  const count = (raw: unknown, max: number): number | undefined => {
    if (raw === undefined || raw === null) return undefined;
    const number = typeof raw === 'number' ? raw : Number.NaN;
    const bent = Number.isFinite(number) ? Math.min(Math.max(Math.trunc(number), 0), max) : number > 0 ? max : 0;
    if (bent !== raw) clamped = true;
    return bent;
  };

  const prompt = count(value['prompt_tokens'], tokensMax.input);
  const completion = count(value['completion_tokens'], tokensMax.output);
  if (prompt === undefined && completion === undefined) return undefined;
  if ((prompt ?? 0) === 0 && (completion ?? 0) === 0 && !clamped) return undefined;

  const usage: Record<string, number> = {};
  /** Moves a part out of a total into a class of its own. */
  const take = (from: number, name: string, part: number | undefined): number => {
    if (part === undefined) return from;
    if (part > from) clamped = true;
    usage[name] = Math.min(part, from);
    return from - usage[name];
  };

  const inDetails = isRecord(value['prompt_tokens_details']) ? value['prompt_tokens_details'] : {};
  // DeepSeek and Moonshot tell cache hits beside the details: https://api-docs.deepseek.com/guides/kv_cache, https://platform.moonshot.ai/docs/api/chat
  const cached = inDetails['cached_tokens'] ?? value['prompt_cache_hit_tokens'] ?? value['cached_tokens'];
  // Alibaba has another word for what was written: https://www.alibabacloud.com/help/en/model-studio/context-cache
  const written = inDetails['cache_write_tokens'] ?? inDetails['cache_creation_input_tokens'];
  let input = prompt ?? 0;
  input = take(input, 'cacheRead', count(cached, tokensMax.input));
  input = take(input, 'cacheWrite', count(written, tokensMax.input));
  input = take(input, 'audioInput', positive(count(inDetails['audio_tokens'], tokensMax.input)));
  const researched = toldByResearch(value);
  usage['input'] = Math.min(input + (count(researched?.citations, tokensMax.input) ?? 0), tokensMax.input);

  const outDetails = isRecord(value['completion_tokens_details']) ? value['completion_tokens_details'] : {};
  // SGLang tells it beside the details: https://docs.sglang.ai/basic_usage/openai_api_completions.html
  const reasoning = count(outDetails['reasoning_tokens'] ?? value['reasoning_tokens'], tokensMax.output);
  let output = completion ?? 0;
  // xAI counts reasoning beside `completion_tokens`, and its total says so: https://docs.x.ai/docs/guides/reasoning
  const totalHasIt = reasoning !== undefined && value['total_tokens'] === (prompt ?? 0) + output + reasoning;
  if (reasoning !== undefined && reasoning > 0 && (totalHasIt || researched !== undefined)) {
    usage['reasoning'] = reasoning;
  } else {
    output = take(output, 'reasoning', reasoning);
  }
  output = take(output, 'audioOutput', positive(count(outDetails['audio_tokens'], tokensMax.output)));
  output = take(output, 'imageOutput', positive(count(outDetails['image_tokens'], tokensMax.output)));
  usage['output'] = output;
  const searches = positive(count(researched?.searches, SEARCHES_MAX));
  if (searches !== undefined) usage['searches'] = searches;
  // Mistral's sound is paid by the second, beside its tokens: https://docs.mistral.ai/capabilities/audio/
  const seconds = value['prompt_audio_seconds'];
  if (typeof seconds === 'number' && seconds > 0) usage['seconds'] = Math.min(Math.ceil(seconds), SECONDS_MAX);
  return { usage, source: clamped ? 'clamped' : 'provider' };
};

/** Providers tell zeros for modalities that they do not have: that is no class. */
const positive = (count: number | undefined): number | undefined => (count === 0 ? undefined : count);
