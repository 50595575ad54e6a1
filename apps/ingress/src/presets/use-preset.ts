// A request that names a preset becomes one that says what the preset says, before anything is decided about it. Most name none, and are only looked at.
// Invariant: what was checked is what is sent: the request with its preset is read anew, as if the client had written it so.
import { WaystationError, type PresetEntry } from '@waystation/contracts';
import { parseArguments, type BodyDialect, type ChatRequest, type ReadChatOptions } from '@waystation/dialects';
import { presetKey } from '@waystation/runtime';
import { applyPreset, presetInModel, type PresetDialect } from '@waystation/tasks';

export interface PresetView {
  readonly current: ReadonlyMap<string, PresetEntry>;
  readonly ready: boolean;
}

export interface PresetUse {
  readonly id: string;
  readonly number: number;
  /** What it says of answers that were given before. */
  readonly cacheEnabled: boolean | undefined;
  readonly cacheTtlSeconds: number | undefined;
}

export interface ReadRequest {
  readonly request: ChatRequest;
  readonly body: Buffer;
  readonly preset?: PresetUse;
}

interface Asked {
  readonly dialect: BodyDialect & { readonly name: string };
  readonly workspaceId: string;
  readonly options: ReadChatOptions;
}

const DIALECTS: ReadonlySet<string> = new Set<PresetDialect>(['openai-chat', 'anthropic-messages', 'openai-responses']);
const takesPresets = (name: string): name is PresetDialect => DIALECTS.has(name);

const invalid = (field: string, problem: string): WaystationError =>
  new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });

/** The field, or the model. The reader warns of a field that it does nothing with. */
const namesOne = ({ models, warnings }: ChatRequest): boolean =>
  models.some((model) => model.includes('@preset/')) || warnings.some(({ field }) => field === 'preset');

const slugOf = (body: Readonly<Record<string, unknown>>): string => {
  const inField = typeof body['preset'] === 'string' ? body['preset'] : undefined;
  const inModel = presetInModel(body['model'])?.slug;
  if (inField !== undefined && inModel !== undefined && inField !== inModel)
    throw invalid(
      'preset',
      `"${inField.slice(0, 64)}" stands beside "${inModel.slice(0, 64)}" in model; name one preset`,
    );
  const slug = inModel ?? inField;
  if (slug === undefined)
    throw invalid('models', 'a preset can be named in model or in preset, but not among fallbacks');
  return slug;
};

/** @throws WaystationError `not_found`, `snapshot_stale` */
const findPreset = (presets: PresetView, workspaceId: string, slug: string): PresetEntry => {
  if (!presets.ready)
    throw new WaystationError('snapshot_stale', 'The presets have not been loaded yet; try again.', {
      retryAfterMs: 1000,
    });
  const found = presets.current.get(presetKey(workspaceId, slug));
  const named = JSON.stringify(slug.slice(0, 64));
  if (found === undefined)
    throw new WaystationError(
      'not_found',
      `There is no preset ${named} in this workspace; GET /presets lists those that there are.`,
    );
  if (found.status !== 'active')
    throw new WaystationError(
      'not_found',
      `The preset ${named} is ${found.status}; whoever manages the workspace can make it active again.`,
    );
  return found;
};

const cacheOf = ({ config }: PresetEntry): Pick<PresetUse, 'cacheEnabled' | 'cacheTtlSeconds'> => ({
  cacheEnabled: typeof config['cache_enabled'] === 'boolean' ? config['cache_enabled'] : undefined,
  cacheTtlSeconds: typeof config['cache_ttl_seconds'] === 'number' ? config['cache_ttl_seconds'] : undefined,
});

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter`, `not_found` */
export const readWithPreset = (
  presets: PresetView,
  { dialect, workspaceId, options }: Asked,
  body: Buffer,
): ReadRequest => {
  const request = dialect.readRequest(body, options);
  if (!namesOne(request) || !takesPresets(dialect.name)) return { request, body };
  // It was read a line above: it is an object. Its numbers keep their digits, for what is passed on is written from it.
  const said = parseArguments(body.toString('utf8')) as Readonly<Record<string, unknown>>;
  const preset = findPreset(presets, workspaceId, slugOf(said));
  const applied = applyPreset(dialect.name, said, preset);
  const bytes = Buffer.from(JSON.stringify(applied.body));
  const read = dialect.readRequest(bytes, options);
  if (read.models.some((model) => model.includes('@preset/')))
    throw invalid('models', 'a preset can be named in model or in preset, but not among fallbacks');
  const unsaid = applied.unsaid.map((name) => ({
    code: 'unsupported-parameter' as const,
    message: `${name} of the preset has no word in this API and is left out.`,
    field: name,
  }));
  return {
    request: { ...read, warnings: [...read.warnings, ...unsaid] },
    body: bytes,
    preset: { id: preset.id, number: preset.number, ...cacheOf(preset) },
  };
};
