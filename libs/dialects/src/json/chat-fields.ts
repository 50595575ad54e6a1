// The top-level fields of a chat body that are read at the ingress or edited by a worker. The ingress scans for exactly these and sends
// the spans along, so that the worker need not scan again; a field that is missing here is never edited.

/** Ours: routing, observability and billing controls that no provider may see. */
export const OWN_CHAT_FIELDS = [
  'models',
  'provider',
  'route',
  'session_id',
  'plugins',
  'transforms',
  'usage',
  'preset',
  'trace',
  'debug',
  'max_tool_calls',
  'stop_server_tools_when',
  'cache_control',
] as const;

/** Parameters that an endpoint may not take (`supported_parameters`), and that are then left out with a warning. */
export const CHAT_PARAMETERS = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'top_a',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'seed',
  'stop',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'response_format',
  'structured_outputs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning',
  'reasoning_effort',
  'include_reasoning',
  'verbosity',
  'modalities',
  'audio',
  'image_config',
  'prediction',
  'web_search_options',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_options',
  'metadata',
] as const;

/** What the worker needs spans of. At most 64 spans travel with an attempt. */
export const CHAT_FIELDS: ReadonlySet<string> = new Set<string>([
  'model',
  'stream',
  'stream_options',
  'user',
  'n',
  'max_tokens',
  'max_completion_tokens',
  ...OWN_CHAT_FIELDS,
  ...CHAT_PARAMETERS,
]);
