// The top-level fields of a Responses body that are read at the ingress or edited by a worker.

/** Ours: routing, observability and billing controls that no provider may see, and what would have a provider keep the conversation. */
export const OWN_RESPONSES_FIELDS = [
  'models',
  'provider',
  'plugins',
  'route',
  'session_id',
  'trace',
  'preset',
  'debug',
  'stop_server_tools_when',
  'previous_response_id',
  'conversation',
  'background',
  'cache_control',
] as const;

/** Parameters that an endpoint may not take, by the name that catalogs give them. */
export const RESPONSES_PARAMETERS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  top_logprobs: 'top_logprobs',
  frequency_penalty: 'frequency_penalty',
  presence_penalty: 'presence_penalty',
  tools: 'tools',
  tool_choice: 'tool_choice',
  parallel_tool_calls: 'parallel_tool_calls',
  reasoning: 'reasoning',
  text: 'structured_outputs',
  modalities: 'modalities',
  image_config: 'image_config',
  service_tier: 'service_tier',
  prompt_cache_key: 'prompt_cache_key',
  prompt_cache_options: 'prompt_cache_options',
};

/** What the worker needs spans of. */
export const RESPONSES_FIELDS: ReadonlySet<string> = new Set<string>([
  ...['model', 'input', 'stream', 'store', 'include', 'max_output_tokens', 'metadata', 'user', 'safety_identifier'],
  ...OWN_RESPONSES_FIELDS,
  ...Object.keys(RESPONSES_PARAMETERS),
]);
