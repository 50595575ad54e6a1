// Bodies that make, change and assign guardrails, read strictly: a guardrail that says less than was meant would guard nothing.
import { GUARDRAILS_PER_CALL_MAX, type GuardrailSettings } from '@waystation/contracts';
import { readIds } from './read-ids.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName, usdAmount } from './read-json.js';

const NAME_CHARACTERS_MAX = 200;
const DESCRIPTION_CHARACTERS_MAX = 1_000;
const ENTRY_CHARACTERS_MAX = { models: 256, providers: 128 };
const ENTRIES_MAX = 1_000;
const KEY_HASH = /^[0-9a-f]{64}$/;

type Body = Readonly<Record<string, unknown>>;

/** Zero data retention by group of models, as the reference has it. Here it holds for all models or for none. */
const ZDR_GROUPS = ['anthropic', 'openai', 'google', 'xai', 'other'].map((group) => `enforce_zdr_${group}`);
/** What the reference has besides. Nothing is what they say without them, too. */
const NOT_YET = [
  'content_filters',
  'content_filter_builtins',
  'enable_paid_model_training',
  'enable_free_model_training',
  'enable_free_model_publication',
];

const flag = (field: string, value: unknown): boolean | undefined => {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'boolean' ? value : refuseField(field, `Expected boolean, received ${typeName(value)}`);
};

const list =
  (field: string, charactersMax: number) =>
  (value: unknown): string[] | null => {
    if (value === null) return null;
    if (!Array.isArray(value)) return refuseField(field, `Expected array or null, received ${typeName(value)}`);
    if (value.length < 1 || value.length > ENTRIES_MAX)
      return refuseField(field, `Expected 1 to ${ENTRIES_MAX} entries or null, received ${value.length}`);
    return [...new Set(value.map((entry: unknown) => textOf(field, entry, charactersMax)))];
  };

const RESETS = ['daily', 'weekly', 'monthly'] as const;
const reset = (value: unknown): GuardrailSettings['limitReset'] =>
  value === null
    ? null
    : (RESETS.find((word) => word === value) ??
      refuseField('reset_interval', "Expected 'daily' | 'weekly' | 'monthly' | null"));

/** Readers by wire name: what a field becomes. */
const READERS: ReadonlyMap<string, (value: unknown) => GuardrailSettings> = new Map<
  string,
  (value: unknown) => GuardrailSettings
>([
  ['name', (value) => ({ name: textOf('name', value, NAME_CHARACTERS_MAX) })],
  [
    'description',
    (value) => ({ description: value === null ? null : textOf('description', value, DESCRIPTION_CHARACTERS_MAX) }),
  ],
  ['limit_usd', (value) => ({ limit: value === null ? null : usdAmount('limit_usd', value).toString() })],
  ['reset_interval', (value) => ({ limitReset: reset(value) ?? null })],
  [
    'include_byok_in_budgets',
    (value) => ({
      includeByok:
        flag('include_byok_in_budgets', value) ??
        refuseField('include_byok_in_budgets', 'Expected boolean, received null'),
    }),
  ],
  ['allowed_models', (value) => ({ allowedModels: list('allowed_models', ENTRY_CHARACTERS_MAX.models)(value) })],
  ['ignored_models', (value) => ({ ignoredModels: list('ignored_models', ENTRY_CHARACTERS_MAX.models)(value) })],
  [
    'allowed_providers',
    (value) => ({ allowedProviders: list('allowed_providers', ENTRY_CHARACTERS_MAX.providers)(value) }),
  ],
  [
    'ignored_providers',
    (value) => ({ ignoredProviders: list('ignored_providers', ENTRY_CHARACTERS_MAX.providers)(value) }),
  ],
]);

const zdr = (value: Body): boolean | undefined => {
  const all = flag('enforce_zdr', value['enforce_zdr']);
  const groups = ZDR_GROUPS.map((field) => flag(field, value[field]) ?? all);
  const [first, ...others] = groups;
  const different = others.findIndex((group) => group !== first);
  if (different >= 0)
    return refuseField(
      ZDR_GROUPS[different + 1] ?? 'enforce_zdr',
      'Zero data retention holds for all models or for none: set enforce_zdr, or all of enforce_zdr_* alike',
    );
  const isNamed = ['enforce_zdr', ...ZDR_GROUPS].some((field) => value[field] !== undefined);
  return isNamed ? first === true : undefined;
};

const FIELDS = [...READERS.keys(), 'enforce_zdr', ...ZDR_GROUPS, ...NOT_YET];

const settingsOf = (value: Body): GuardrailSettings => {
  for (const field of NOT_YET) {
    if (value[field] !== undefined && value[field] !== null)
      return refuseField(field, 'This cannot be guarded yet; leave it out');
  }
  const settings: GuardrailSettings = {};
  for (const [field, read] of READERS) if (value[field] !== undefined) Object.assign(settings, read(value[field]));
  const retention = zdr(value);
  return retention === undefined ? settings : { ...settings, zdr: retention };
};

export interface NewGuardrail {
  readonly workspaceId: string | undefined;
  readonly settings: GuardrailSettings & { readonly name: string };
}

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readNewGuardrail = (body: unknown): NewGuardrail => {
  const value = readJsonObject(body);
  refuseUnknown(value, [...FIELDS, 'workspace_id']);
  const workspaceId =
    value['workspace_id'] === undefined ? undefined : textOf('workspace_id', value['workspace_id'], 64);
  const { name = refuseField('name', 'Required'), ...settings } = settingsOf(value);
  return { workspaceId, settings: { ...settings, name } };
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readGuardrailChanges = (body: unknown): GuardrailSettings => {
  const value = readJsonObject(body);
  refuseUnknown(value, FIELDS);
  return settingsOf(value);
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readKeyHashes = (body: unknown): string[] =>
  readIds(body, 'key_hashes', GUARDRAILS_PER_CALL_MAX, (value) =>
    typeof value === 'string' && KEY_HASH.test(value)
      ? undefined
      : `Expected hashes of keys, received ${typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : typeName(value)}`,
  );
