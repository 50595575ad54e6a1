// A request that names a preset, as it reads with the preset's settings in it. What the request says itself stands; lists of tools are united. Pure.
// https://openrouter.ai/docs/guides/features/presets
import { presetInModel } from './preset-name.js';
import { isJson, writeSettings, type Json, type PresetDialect } from './preset-words.js';
import { systemTextOf, withSystemText } from './system-text.js';

export interface PresetSaid {
  readonly config: Json;
  readonly systemPrompt?: string | undefined;
}

export interface Applied {
  readonly body: Json;
  /** Settings that the dialect has no word for. */
  readonly unsaid: readonly string[];
}

/** The tools of the gateway that may stand in a list several times, under names of their own. */
const NAMED_SEVERALLY: ReadonlySet<unknown> = new Set(['openrouter:advisor', 'openrouter:subagent']);

/** What makes two tools the same one: a function's name, and for others their type, with their name where there may be several. */
const identityOf = (tool: unknown): string => {
  if (!isJson(tool)) return JSON.stringify(tool);
  const inner = isJson(tool['function']) ? tool['function'] : tool;
  if (typeof inner['name'] === 'string') return `function ${inner['name']}`;
  const parameters = isJson(tool['parameters']) ? tool['parameters'] : {};
  return NAMED_SEVERALLY.has(tool['type'])
    ? `${String(tool['type'])} ${String(parameters['name'])}`
    : `type ${String(tool['type'])}`;
};

/** In the preset's order, each as the request says it where both have it; then those of the request alone. */
const uniteTools = (preset: readonly unknown[], request: readonly unknown[]): unknown[] => {
  const own = new Map(request.map((tool) => [identityOf(tool), tool]));
  const united = preset.map((tool) => {
    const identity = identityOf(tool);
    const replaced = own.get(identity) ?? tool;
    own.delete(identity);
    return replaced;
  });
  return [...united, ...own.values()];
};

/** Settings that no request has a field for; the ingress reads them of the preset. */
const OF_THE_EDGE: ReadonlySet<string> = new Set(['cache_enabled', 'cache_ttl_seconds']);

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

export const applyPreset = (dialect: PresetDialect, request: Json, preset: PresetSaid): Applied => {
  const { settings, unsaid } = writeSettings(dialect, preset.config);
  const named = presetInModel(request['model']);
  const own: Record<string, unknown> = Object.fromEntries(
    Object.entries(request).filter(([field, value]) => isSaid(value) && field !== 'preset'),
  );
  if (named !== undefined) {
    delete own['model'];
    if (named.model !== undefined) own['model'] = named.model;
  }
  const tools =
    Array.isArray(settings['tools']) && Array.isArray(own['tools'])
      ? { tools: uniteTools(settings['tools'] as unknown[], own['tools'] as unknown[]) }
      : {};
  // How many tokens come out has two names in one dialect; the request's own word must not stand beside the preset's other one.
  const capped = isSaid(own['max_tokens']) || isSaid(own['max_completion_tokens']);
  const left = capped ? { ...settings, max_tokens: undefined, max_completion_tokens: undefined } : settings;
  const sent = Object.fromEntries(
    Object.entries({ ...left, ...own, ...tools }).filter(
      ([field, value]) => value !== undefined && !OF_THE_EDGE.has(field),
    ),
  );
  const { systemPrompt } = preset;
  return {
    body:
      systemPrompt === undefined || systemTextOf(dialect, sent) !== undefined
        ? sent
        : withSystemText(dialect, sent, systemPrompt),
    unsaid,
  };
};
