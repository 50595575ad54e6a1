// What makes, changes and names a preset, read strictly. Settings are read by the dialect that they are said in, so that no preset is kept that no request could have.
import { presetSlug, WaystationError } from '@waystation/contracts';
import type { PublicDialect } from '@waystation/dialects';
import { presetInModel, readSettings, systemTextOf, type PresetDialect } from '@waystation/tasks';
import { shortHash } from '../short-hash.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName } from './read-json.js';

const DESCRIPTION_CHARACTERS_MAX = 1_000;
const NAME_CHARACTERS_MAX = 200;
const CACHE_SECONDS = { min: 1, max: 86_400 };

/** @throws WaystationError `not_found` where it cannot be one that is there */
export const slugOf = (slug: string): string => {
  if (!presetSlug.safeParse(slug).success)
    throw new WaystationError('not_found', `There is no preset ${JSON.stringify(slug.slice(0, 64))}.`);
  return slug;
};

/** @throws WaystationError `invalid_request` where none can be made under it */
export const newSlugOf = (slug: string): string =>
  presetSlug.safeParse(slug).success
    ? slug
    : refuseField(
        'slug',
        `Expected lower-case letters and digits with single dashes between (at most 64), received ${JSON.stringify(slug.slice(0, 80))}`,
      );

/** @throws WaystationError `not_found` */
export const versionNumberOf = (version: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new WaystationError(
      'not_found',
      `There is no version ${JSON.stringify(version.slice(0, 32))}; versions are numbers from 1.`,
    );
  return Number(version);
};

/** What a dialect needs of a request beside the settings. */
const QUESTION: Readonly<Record<PresetDialect, object>> = {
  'openai-chat': { messages: [{ role: 'user', content: 'x' }] },
  'anthropic-messages': { messages: [{ role: 'user', content: 'x' }] },
  'openai-responses': { input: 'x' },
};

const checkCache = ({ cache_enabled: enabled, cache_ttl_seconds: ttl }: Readonly<Record<string, unknown>>): void => {
  if (enabled !== undefined && typeof enabled !== 'boolean')
    refuseField('cache_enabled', `Expected boolean, received ${typeName(enabled)}`);
  if (
    ttl !== undefined &&
    !(Number.isInteger(ttl) && Number(ttl) >= CACHE_SECONDS.min && Number(ttl) <= CACHE_SECONDS.max)
  )
    refuseField('cache_ttl_seconds', `Expected a whole number from ${CACHE_SECONDS.min} to ${CACHE_SECONDS.max}`);
};

/** The settings of an inference body; its conversation is left out. @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readPresetSettings = (
  dialect: PublicDialect & { readonly name: PresetDialect },
  body: unknown,
): { config: Record<string, unknown>; systemPrompt?: string } => {
  const said = readJsonObject(body);
  checkCache(said);
  const config = readSettings(dialect.name, said);
  for (const model of [config['model'], ...(Array.isArray(config['models']) ? (config['models'] as unknown[]) : [])])
    if (presetInModel(model) !== undefined) refuseField('model', 'A preset cannot name another preset');
  const own = Object.fromEntries(
    Object.entries(said).filter(
      ([field]) => !['messages', 'input', 'prompt', 'stream', 'stream_options', 'preset'].includes(field),
    ),
  );
  dialect.readRequest(Buffer.from(JSON.stringify({ ...own, ...QUESTION[dialect.name] })), { hash: shortHash });
  const systemPrompt = systemTextOf(dialect.name, said);
  return { config, ...(systemPrompt === undefined || systemPrompt === '' ? {} : { systemPrompt }) };
};

const STATES = ['active', 'disabled', 'archived'] as const;
const FIELDS = ['name', 'description', 'status', 'designated_version'] as const;

export interface PresetChanges {
  name?: string;
  description?: string | null;
  status?: (typeof STATES)[number];
  designated?: number;
}

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readPresetChanges = (body: unknown): PresetChanges => {
  const value = readJsonObject(body);
  refuseUnknown(value, FIELDS);
  const changes: PresetChanges = {};
  const { name, description, status, designated_version: designated } = value;
  if (name !== undefined) changes.name = textOf('name', name, NAME_CHARACTERS_MAX);
  if (description !== undefined)
    changes.description = description === null ? null : textOf('description', description, DESCRIPTION_CHARACTERS_MAX);
  if (status !== undefined)
    changes.status =
      STATES.find((state) => state === status) ??
      refuseField(
        'status',
        `Expected 'active' | 'disabled' | 'archived', received ${JSON.stringify(status).slice(0, 64)}`,
      );
  if (designated !== undefined)
    changes.designated =
      typeof designated === 'number' && Number.isInteger(designated) && designated >= 1
        ? designated
        : refuseField(
            'designated_version',
            `Expected the number of a version, received ${JSON.stringify(designated).slice(0, 64)}`,
          );
  return changes;
};
