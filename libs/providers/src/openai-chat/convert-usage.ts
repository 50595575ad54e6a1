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
  // DeepSeek told cache hits beside the details first: https://api-docs.deepseek.com/guides/kv_cache
  const cached = inDetails['cached_tokens'] ?? value['prompt_cache_hit_tokens'];
  let input = prompt ?? 0;
  input = take(input, 'cacheRead', count(cached, tokensMax.input));
  input = take(input, 'cacheWrite', count(inDetails['cache_write_tokens'], tokensMax.input));
  input = take(input, 'audioInput', positive(count(inDetails['audio_tokens'], tokensMax.input)));
  usage['input'] = input;

  const outDetails = isRecord(value['completion_tokens_details']) ? value['completion_tokens_details'] : {};
  const reasoning = count(outDetails['reasoning_tokens'], tokensMax.output);
  let output = completion ?? 0;
  // xAI counts reasoning beside `completion_tokens`, and its total says so: https://docs.x.ai/docs/guides/reasoning
  if (reasoning !== undefined && reasoning > 0 && value['total_tokens'] === (prompt ?? 0) + output + reasoning) {
    usage['reasoning'] = reasoning;
  } else {
    output = take(output, 'reasoning', reasoning);
  }
  output = take(output, 'audioOutput', positive(count(outDetails['audio_tokens'], tokensMax.output)));
  output = take(output, 'imageOutput', positive(count(outDetails['image_tokens'], tokensMax.output)));
  usage['output'] = output;
  return { usage, source: clamped ? 'clamped' : 'provider' };
};

/** Providers tell zeros for modalities that they do not have: that is no class. */
const positive = (count: number | undefined): number | undefined => (count === 0 ? undefined : count);
