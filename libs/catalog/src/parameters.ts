// Names of request parameters that an endpoint can support or not, as clients spell them. Anything else in a body is passed on unjudged.
// Source: https://openrouter.ai/docs/api-reference/list-available-models (supported_parameters).

/** An OpenAI-compatible server is taken to support all of them unless its endpoint says otherwise. */
export const KNOWN_PARAMETERS: readonly string[] = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'top_a',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'max_tokens',
  'max_completion_tokens',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'prediction',
  'seed',
  'response_format',
  'structured_outputs',
  'stop',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'include_reasoning',
  'reasoning',
  'reasoning_effort',
  'web_search_options',
  'verbosity',
];

/** Two spellings of one ability: an endpoint that supports either takes both. */
const SYNONYMS: Readonly<Record<string, string>> = {
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
  reasoning_effort: 'reasoning',
  include_reasoning: 'reasoning',
};

/** What is supported, synonyms included. */
export const withSynonyms = (supported: readonly string[]): ReadonlySet<string> => {
  const all = new Set(supported);
  for (const [name, synonym] of Object.entries(SYNONYMS)) if (all.has(synonym)) all.add(name);
  return all;
};
