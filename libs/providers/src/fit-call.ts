// A canonical call as one endpoint takes it: capped as the hold asks, without the parameters that the endpoint lacks. Each that is left out becomes a warning.
import type { GenerationCall, ReasoningOptions, Sampling, Warning } from '@waystation/generation';

export interface Fitted {
  readonly call: GenerationCall;
  readonly warnings: readonly Warning[];
}

/** Members of `sampling` by the name that catalogs give the parameter. */
const SAMPLING: Readonly<Record<string, keyof Sampling>> = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  min_p: 'minP',
  top_a: 'topA',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  repetition_penalty: 'repetitionPenalty',
  seed: 'seed',
  stop: 'stop',
  logit_bias: 'logitBias',
  logprobs: 'logprobs',
  top_logprobs: 'topLogprobs',
};

const MEMBERS: Readonly<Record<string, keyof GenerationCall>> = {
  tools: 'tools',
  tool_choice: 'toolChoice',
  parallel_tool_calls: 'parallelToolCalls',
  response_format: 'responseFormat',
  structured_outputs: 'responseFormat',
  reasoning: 'reasoning',
  verbosity: 'verbosity',
  modalities: 'outputModalities',
  audio: 'audioOutput',
  service_tier: 'serviceTier',
  prompt_cache_key: 'promptCacheKey',
};

const without = <T extends object>(object: T, key: keyof T): T => {
  const copy = { ...object };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy, and the key is one of the type's
  delete copy[key];
  return copy;
};

const leftOut = (field: string): Warning => ({
  code: 'unsupported-parameter',
  message: `The endpoint that served this does not take \`${field}\`; it was left out.`,
  field,
});

const isSchema = ({ responseFormat }: GenerationCall): boolean => responseFormat?.type === 'json-schema';

const drop = (call: GenerationCall, parameter: string): GenerationCall => {
  const ofSampling = SAMPLING[parameter];
  if (ofSampling !== undefined)
    return call.sampling[ofSampling] === undefined ? call : { ...call, sampling: without(call.sampling, ofSampling) };
  // An endpoint without schemas may still do JSON.
  if (parameter === 'structured_outputs') return isSchema(call) ? { ...call, responseFormat: { type: 'json' } } : call;
  const member = MEMBERS[parameter];
  if (member !== undefined) return call[member] === undefined ? call : without(call, member);
  if (call.extra?.[parameter] === undefined) return call;
  return { ...call, extra: without(call.extra, parameter) };
};

/** @param outputCap what the hold buys; absent: as the client asked */
export const fitCall = (
  call: GenerationCall,
  { dropParameters, outputCap }: { readonly dropParameters: readonly string[]; readonly outputCap?: number },
): Fitted => {
  const warnings: Warning[] = [];
  let fitted = call;
  for (const parameter of dropParameters) {
    const next = drop(fitted, parameter);
    if (next !== fitted) warnings.push(leftOut(parameter));
    fitted = next;
  }
  if (outputCap !== undefined)
    fitted = { ...fitted, maxOutputTokens: Math.min(outputCap, fitted.maxOutputTokens ?? outputCap) };
  return { call: fitted, warnings };
};

/** Effort as a share of the output limit, where a provider wants a number of tokens. The reference API, section 8. */
const SHARE: Readonly<Record<Exclude<NonNullable<ReasoningOptions['effort']>, 'none'>, number>> = {
  max: 0.95,
  xhigh: 0.95,
  high: 0.8,
  medium: 0.5,
  low: 0.2,
  minimal: 0.1,
};

/** Tokens to reason with; undefined where the call asks for no reasoning or leaves it to the provider, 0 where it forbids it. */
export const reasoningTokens = (options: ReasoningOptions | undefined, outputTokens: number): number | undefined => {
  if (options === undefined) return undefined;
  if (options.enabled === false || options.effort === 'none') return 0;
  if (options.maxTokens !== undefined) return options.maxTokens;
  if (options.effort !== undefined) return Math.floor(outputTokens * SHARE[options.effort]);
  return options.enabled === true ? Math.floor(outputTokens * SHARE.medium) : undefined;
};

/** The effort that a number of tokens comes nearest to, where a provider wants a word. Undefined where nothing is asked. */
export const reasoningEffort = (
  options: ReasoningOptions | undefined,
  outputTokens: number,
): ReasoningOptions['effort'] => {
  if (options === undefined) return undefined;
  if (options.enabled === false) return 'none';
  if (options.effort !== undefined) return options.effort;
  if (options.maxTokens !== undefined) {
    const share = options.maxTokens / Math.max(1, outputTokens);
    if (share >= 0.65) return 'high';
    if (share >= 0.35) return 'medium';
    return share >= 0.15 ? 'low' : 'minimal';
  }
  return options.enabled === true ? 'medium' : undefined;
};
