// The settings that a preset may hold, in the words of each dialect. A preset is kept in those of a chat completion; what another dialect has no word for is left out
// of its requests, and told. https://openrouter.ai/docs/guides/features/presets
// Invariant: what was said in a dialect reads back in it as it was said.

export type Json = Readonly<Record<string, unknown>>;
export type PresetDialect = 'openai-chat' | 'anthropic-messages' | 'openai-responses';

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One setting in another dialect: where it stands there, and how its value reads there and here. Undefined: it cannot be said. */
interface Word {
  readonly field: string;
  readonly write: (value: unknown) => unknown;
  readonly read: (value: unknown) => unknown;
}

const same = (field: string): Word => ({ field, write: (value) => value, read: (value) => value });

const ROUTING = ['model', 'models', 'provider', 'route', 'plugins', 'service_tier'] as const;
const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

/** Kept of a chat completion. Whatever else a body has (messages, stream, user, …) belongs to one request. */
const CHAT: readonly string[] = [
  ...ROUTING,
  ...SAMPLING,
  ...['min_p', 'top_a', 'frequency_penalty', 'presence_penalty', 'repetition_penalty', 'max_tokens'],
  ...['max_completion_tokens', 'seed', 'stop', 'logit_bias', 'logprobs', 'top_logprobs', 'response_format'],
  ...['structured_outputs', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning', 'reasoning_effort'],
  ...['verbosity', 'modalities', 'cache_enabled', 'cache_ttl_seconds', 'cache_control'],
];

const functionOf = (tool: Json): Json => (isJson(tool['function']) ? tool['function'] : {});
const listOf = (value: unknown, each: (item: Json) => unknown): unknown =>
  Array.isArray(value) ? value.map((item: unknown) => (isJson(item) ? each(item) : item)) : value;
const without = (value: Json, ...fields: string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)));
const renamed = (value: Json, from: string, to: string): Json =>
  value[from] === undefined ? value : { ...without(value, from), [to]: value[from] };

const isFunction = (tool: Json): boolean => tool['type'] === 'function';

const messagesTools: Word = {
  field: 'tools',
  write: (tools) =>
    listOf(tools, (tool) => (isFunction(tool) ? renamed(functionOf(tool), 'parameters', 'input_schema') : tool)),
  read: (tools) =>
    listOf(tools, (tool) =>
      tool['type'] === undefined || tool['type'] === 'custom'
        ? { type: 'function', function: renamed(without(tool, 'type'), 'input_schema', 'parameters') }
        : tool,
    ),
};
const responsesTools: Word = {
  field: 'tools',
  write: (tools) => listOf(tools, (tool) => (isFunction(tool) ? { type: 'function', ...functionOf(tool) } : tool)),
  read: (tools) =>
    listOf(tools, (tool) => (isFunction(tool) ? { type: 'function', function: without(tool, 'type') } : tool)),
};

const CHOICE_OF_WORD: Readonly<Record<string, string>> = { auto: 'auto', none: 'none', required: 'any' };
const messagesChoice: Word = {
  field: 'tool_choice',
  write: (choice) => {
    if (typeof choice === 'string')
      return CHOICE_OF_WORD[choice] === undefined ? undefined : { type: CHOICE_OF_WORD[choice] };
    return isJson(choice) && isFunction(choice) ? { type: 'tool', name: functionOf(choice)['name'] } : undefined;
  },
  read: (choice) => {
    if (!isJson(choice)) return undefined;
    if (choice['type'] === 'tool') return { type: 'function', function: { name: choice['name'] } };
    return Object.entries(CHOICE_OF_WORD).find(([, type]) => type === choice['type'])?.[0];
  },
};
const responsesChoice: Word = {
  field: 'tool_choice',
  write: (choice) =>
    isJson(choice) && isFunction(choice) ? { type: 'function', name: functionOf(choice)['name'] } : choice,
  read: (choice) =>
    isJson(choice) && isFunction(choice) ? { type: 'function', function: { name: choice['name'] } } : choice,
};

/** `{type, json_schema: {name, schema}}` there, `{format: {type, name, schema}}` here. */
const responsesFormat: Word = {
  field: 'text',
  write: (format) => {
    if (!isJson(format)) return undefined;
    return { format: isJson(format['json_schema']) ? { type: format['type'], ...format['json_schema'] } : format };
  },
  read: (text) => {
    const format = isJson(text) ? text['format'] : undefined;
    if (!isJson(format)) return undefined;
    return format['type'] === 'json_schema' ? { type: 'json_schema', json_schema: without(format, 'type') } : format;
  },
};

const STOPS: Word = {
  field: 'stop_sequences',
  write: (stop) => (typeof stop === 'string' ? [stop] : stop),
  read: (stop) => stop,
};

const alike = (...fields: readonly string[]): [string, Word][] => fields.map((field) => [field, same(field)]);
const CACHE = ['cache_enabled', 'cache_ttl_seconds', 'cache_control'] as const;

/** By the word of a chat completion. */
const WORDS: Readonly<Record<PresetDialect, ReadonlyMap<string, Word>>> = {
  'openai-chat': new Map(alike(...CHAT)),
  'anthropic-messages': new Map([
    ...alike(...ROUTING, ...SAMPLING, ...CACHE, 'max_tokens'),
    ['max_completion_tokens', same('max_tokens')],
    ['stop', STOPS],
    ['tools', messagesTools],
    ['tool_choice', messagesChoice],
  ]),
  'openai-responses': new Map([
    ...alike(...ROUTING, ...SAMPLING, ...CACHE, 'frequency_penalty', 'presence_penalty', 'top_logprobs'),
    ...alike('parallel_tool_calls', 'reasoning', 'modalities'),
    ['max_tokens', same('max_output_tokens')],
    ['max_completion_tokens', same('max_output_tokens')],
    ['tools', responsesTools],
    ['tool_choice', responsesChoice],
    ['response_format', responsesFormat],
  ]),
};

/** A preset's settings in the words of a dialect, and those that it has none for. */
export const writeSettings = (dialect: PresetDialect, config: Json): { settings: Json; unsaid: string[] } => {
  const settings: Record<string, unknown> = {};
  const unsaid: string[] = [];
  for (const [name, value] of Object.entries(config)) {
    const word = WORDS[dialect].get(name);
    const written = word?.write(value);
    if (word === undefined || written === undefined) unsaid.push(name);
    else settings[word.field] = written;
  }
  return { settings, unsaid };
};

/** What of a body is a setting that a preset keeps. Null says nothing. */
export const readSettings = (dialect: PresetDialect, body: Json): Json => {
  const config: Record<string, unknown> = {};
  for (const [name, { field, read }] of WORDS[dialect]) {
    const value = body[field];
    const meant = value === undefined || value === null ? undefined : read(value);
    // The first word for a field is the one that is kept.
    const isTaken = [...WORDS[dialect]].some(([other, word]) => word.field === field && config[other] !== undefined);
    if (meant !== undefined && !isTaken) config[name] = meant;
  }
  return config;
};
