// The plugins that a request asks for. https://openrouter.ai/docs/guides/features/plugins; the reference API, section 9.
// Invariant: none is passed over in silence. An unknown one is refused by its name; so is one that is not served here and whose absence would change the answer or what was
// allowed to be sent; what merely has no effect is a warning.
import type { RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import {
  aBoolean,
  checkOptional,
  isObject,
  oneOf,
  quote,
  refuse,
  refuseUnknownKeys,
  typeOf,
  type JsonObject,
} from '../openai-chat/check-type.js';

export interface Plugins {
  /** Repair the JSON of the answer, where it is none. */
  readonly healing: boolean;
  /** Which endpoints the prompt may be shortened for: those whose context is small, unless the client decides. */
  readonly compression: 'small-endpoints' | 'always' | 'never';
  /** What becomes of PDFs: text of ours where no endpoint takes files, always, or never. */
  readonly pdf: 'as-needed' | 'text' | 'native';
}

/** What the request is besides, as far as plugins depend on it. */
export interface PluginTerms {
  readonly stream: boolean;
  /** The client asked for JSON, by a schema or without one. */
  readonly wantsJson: boolean;
}

export interface PluginsReading {
  readonly plugins: Plugins;
  readonly warnings: readonly Warning[];
}

export const PLUGINS_MAX = 32;

/** Each with its settings besides `id` and `enabled`. */
const SERVED: ReadonlyMap<string, readonly string[]> = new Map([
  ['response-healing', []],
  ['context-compression', ['engine']],
  ['file-parser', ['pdf']],
]);

/** Known to the reference, and not done here: what the client wants to be done would not be. */
const NOT_SERVED: ReadonlySet<string> = new Set(['web', 'web-fetch', 'moderation', 'fusion', 'alignment']);

/** Settings of models that choose models: of no effect on any other model, in the reference either. Who chooses by them takes the warning back. */
const OF_ROUTER_MODELS: ReadonlySet<string> = new Set([
  'auto-router',
  'auto-beta-router',
  'pareto-router',
  'jev-router',
  'switchyard-router',
]);

/** Every id that is no mistake. */
export const PLUGIN_IDS = [...SERVED.keys(), ...NOT_SERVED, ...OF_ROUTER_MODELS];
const isId = oneOf(PLUGIN_IDS);

/** Engines that read PDFs at services of the reference's own. */
const ELSEWHERE: ReadonlySet<unknown> = new Set(['mistral-ocr', 'cloudflare-ai']);

const warn = (message: string, field = 'plugins'): Warning => ({ code: 'unsupported-parameter', message, field });

const pdfOf = (plugin: JsonObject, field: string): Plugins['pdf'] => {
  const { pdf } = plugin;
  if (pdf === undefined || pdf === null) return 'as-needed';
  if (!isObject(pdf)) return refuse(`${field}.pdf`, `Expected object, received ${typeOf(pdf)}`);
  refuseUnknownKeys(`${field}.pdf`, pdf, new Set(['engine']));
  const { engine } = pdf;
  if (ELSEWHERE.has(engine))
    return refuse(
      `${field}.pdf.engine`,
      `'${String(engine)}' is not served here: ask for 'pdf-text', which reads the text of a PDF at this station, or for 'native'`,
    );
  checkOptional(`${field}.pdf.engine`, engine, oneOf(['native', 'pdf-text', 'mistral-ocr', 'cloudflare-ai']));
  return engine === 'pdf-text' ? 'text' : engine === 'native' ? 'native' : 'as-needed';
};

/** Those that are switched on or off by name, by their id. */
const listOf = (body: JsonObject): ReadonlyMap<string, { plugin: JsonObject; field: string; enabled: boolean }> => {
  const list = body['plugins'];
  const found = new Map<string, { plugin: JsonObject; field: string; enabled: boolean }>();
  if (list === undefined || list === null) return found;
  if (!Array.isArray(list)) return refuse('plugins', `Expected array, received ${typeOf(list)}`);
  if (list.length > PLUGINS_MAX)
    return refuse('plugins', `Array must contain at most ${PLUGINS_MAX} element(s), received ${list.length}`);
  for (const [index, plugin] of (list as unknown[]).entries()) {
    const field = `plugins[${index}]`;
    if (!isObject(plugin)) return refuse(field, `Expected object, received ${typeOf(plugin)}`);
    const { id, enabled } = plugin;
    const problem = isId(id);
    if (typeof id !== 'string' || problem !== undefined) return refuse(`${field}.id`, problem ?? '');
    if (found.has(id)) return refuse(`${field}.id`, `${quote(id)} stands in the list more than once`);
    checkOptional(`${field}.enabled`, enabled, aBoolean);
    const settings = SERVED.get(id);
    if (settings !== undefined) refuseUnknownKeys(field, plugin, new Set(['id', 'enabled', ...settings]));
    found.set(id, { plugin, field, enabled: enabled !== false });
  }
  return found;
};

const isTransform = oneOf(['middle-out']);

/** The older way to ask for compression; an empty list switches it off. */
const compressionByTransforms = (body: JsonObject): Plugins['compression'] => {
  const { transforms } = body;
  if (transforms === undefined || transforms === null) return 'small-endpoints';
  if (!Array.isArray(transforms)) return refuse('transforms', `Expected array, received ${typeOf(transforms)}`);
  if (transforms.length > 8)
    return refuse('transforms', `Array must contain at most 8 element(s), received ${transforms.length}`);
  for (const [index, name] of (transforms as unknown[]).entries()) {
    const problem = isTransform(name);
    if (problem !== undefined) return refuse(`transforms[${index}]`, problem);
  }
  return transforms.length === 0 ? 'never' : 'always';
};

/** As routing is told it. No prompt is shortened for what makes no text, such as images: every word of it may show. */
export const compressionOf = ({ compression }: Plugins, modalities: unknown): RouteFeatures['compression'] =>
  compression === 'never' || (Array.isArray(modalities) && modalities.length > 0 && !modalities.includes('text'))
    ? undefined
    : compression;

const isAbsent = (value: unknown): boolean => value === undefined || value === null;

/** Of nearly every request: made once. */
const NONE: PluginsReading = {
  plugins: { healing: false, compression: 'small-endpoints', pdf: 'as-needed' },
  warnings: [],
};

/** @throws WaystationError `invalid_request`, `unknown_parameter` */
export const readPlugins = (body: JsonObject, terms: PluginTerms): PluginsReading => {
  if (isAbsent(body['plugins']) && isAbsent(body['transforms'])) return NONE;
  const asked = listOf(body);
  const warnings: Warning[] = [];
  for (const [id, { field, enabled }] of asked) {
    if (!enabled) continue;
    if (NOT_SERVED.has(id))
      return refuse(`${field}.id`, `the plugin '${id}' is not served here; leave it out, or send "enabled": false`);
    if (OF_ROUTER_MODELS.has(id))
      warnings.push(
        warn(`The plugin ${id} has no effect here: it is about a model that was not asked for, or is not offered.`),
      );
  }
  const compression = asked.get('context-compression');
  if (compression !== undefined)
    checkOptional(`${compression.field}.engine`, compression.plugin['engine'], oneOf(['middle-out']));
  const byTransforms = compressionByTransforms(body);
  const parser = asked.get('file-parser');
  const pdf = parser === undefined ? 'as-needed' : pdfOf(parser.plugin, parser.field);
  const healing = asked.get('response-healing')?.enabled === true;
  if (healing && (terms.stream || !terms.wantsJson))
    warnings.push(
      warn(
        `The plugin response-healing has no effect ${terms.stream ? 'on streams' : 'without a response format of JSON'}.`,
      ),
    );
  return {
    plugins: {
      healing: healing && !terms.stream && terms.wantsJson,
      compression: compression === undefined ? byTransforms : compression.enabled ? 'always' : 'never',
      pdf: parser?.enabled === false ? 'native' : pdf,
    },
    warnings,
  };
};
