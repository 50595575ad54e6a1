// The top-level fields of a Messages body that are read at the ingress or edited by a worker.

/** Ours: routing, observability and billing controls that no provider may see. */
export const OWN_MESSAGES_FIELDS = [
  'models',
  'fallbacks',
  'provider',
  'plugins',
  'route',
  'session_id',
  'trace',
  'user',
  'preset',
  'stop_server_tools_when',
  'cache_control',
] as const;

/** Parameters that an endpoint may not take, by the name that catalogs give them. */
export const MESSAGES_PARAMETERS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  stop_sequences: 'stop',
  tools: 'tools',
  tool_choice: 'tool_choice',
  thinking: 'reasoning',
  output_config: 'structured_outputs',
  service_tier: 'service_tier',
  speed: 'speed',
  context_management: 'context_management',
};

/** What the worker needs spans of. */
export const MESSAGES_FIELDS: ReadonlySet<string> = new Set<string>([
  ...['model', 'stream', 'max_tokens', 'metadata'],
  ...OWN_MESSAGES_FIELDS,
  ...Object.keys(MESSAGES_PARAMETERS),
]);
