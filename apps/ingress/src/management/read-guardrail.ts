// Bodies that make, change and assign guardrails, read strictly: a guardrail that says less than was meant would guard nothing.
import {
  CONTENT_FILTER_ACTIONS,
  CONTENT_FILTER_SIDES,
  CONTENT_FILTER_SLUGS,
  CONTENT_FILTERS_MAX,
  GUARDRAILS_PER_CALL_MAX,
  WaystationError,
  ZDR_GROUPS,
  type ContentFilterBuiltinEntry,
  type ContentFilterEntry,
  type GuardrailSettings,
} from '@waystation/contracts';
import { compilePattern, isPatternProblem } from '@waystation/screening';
import { readIds } from './read-ids.js';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName, usdAmount } from './read-json.js';

const NAME_CHARACTERS_MAX = 200;
const DESCRIPTION_CHARACTERS_MAX = 1_000;
const ENTRY_CHARACTERS_MAX = { models: 256, providers: 128, regions: 64 };
const REGIONS_MAX = 64;
const LABEL_CHARACTERS_MAX = 100;
const ENTRIES_MAX = 1_000;
const KEY_HASH = /^[0-9a-f]{64}$/;

type Body = Readonly<Record<string, unknown>>;

/** What the reference has besides. Nothing is what they say without them, too. */
const NOT_YET = ['enable_paid_model_training', 'enable_free_model_training', 'enable_free_model_publication'];

const flag = (field: string, value: unknown): boolean | undefined => {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'boolean' ? value : refuseField(field, `Expected boolean, received ${typeName(value)}`);
};

const list =
  (field: string, charactersMax: number, entriesMax = ENTRIES_MAX) =>
  (value: unknown): string[] | null => {
    if (value === null) return null;
    if (!Array.isArray(value)) return refuseField(field, `Expected array or null, received ${typeName(value)}`);
    if (value.length < 1 || value.length > entriesMax)
      return refuseField(field, `Expected 1 to ${entriesMax} entries or null, received ${value.length}`);
    return [...new Set(value.map((entry: unknown) => textOf(field, entry, charactersMax)))];
  };

const RESETS = ['daily', 'weekly', 'monthly'] as const;
const reset = (value: unknown): GuardrailSettings['limitReset'] =>
  value === null
    ? null
    : (RESETS.find((word) => word === value) ??
      refuseField('reset_interval', "Expected 'daily' | 'weekly' | 'monthly' | null"));

const word = <Word extends string>(field: string, value: unknown, words: readonly Word[]): Word =>
  words.find((known) => known === value) ??
  refuseField(field, `Expected ${words.map((known) => `'${known}'`).join(' | ')}`);

const filters = <Filter>(
  field: string,
  value: unknown,
  read: (field: string, filter: Body) => Filter,
): Filter[] | null => {
  if (value === null) return null;
  if (!Array.isArray(value)) return refuseField(field, `Expected array or null, received ${typeName(value)}`);
  if (value.length > CONTENT_FILTERS_MAX)
    return refuseField(field, `Expected at most ${CONTENT_FILTERS_MAX} entries, received ${value.length}`);
  return value.map((filter: unknown, index) =>
    typeof filter === 'object' && filter !== null && !Array.isArray(filter)
      ? read(`${field}.${index}`, filter as Body)
      : refuseField(`${field}.${index}`, `Expected object, received ${typeName(filter)}`),
  );
};

const knownMembers = (field: string, filter: Body, known: readonly string[]): void => {
  const unknown = Object.keys(filter).find((name) => !known.includes(name));
  if (unknown !== undefined)
    refuseField(`${field}.${unknown.slice(0, 64)}`, `Unknown member; ${known.join(', ')} are known`);
};

/** Ours: the reference's filters look at what goes in, and at nothing else. */
const sideOf = (field: string, { applies_to: side }: Body) =>
  side === undefined || side === null ? {} : { appliesTo: word(`${field}.applies_to`, side, CONTENT_FILTER_SIDES) };

const ownFilter = (field: string, filter: Body): ContentFilterEntry => {
  knownMembers(field, filter, ['pattern', 'action', 'label', 'applies_to']);
  const { pattern, action, label } = filter;
  if (typeof pattern !== 'string' || pattern === '')
    return refuseField(`${field}.pattern`, `Expected a regular expression, received ${typeName(pattern)}`);
  const compiled = compilePattern(pattern);
  if (isPatternProblem(compiled)) {
    const { problem, position } = compiled;
    throw new WaystationError(
      'invalid_request',
      `${field}.pattern: The pattern ${position === undefined ? problem : `does not compile at character ${position}: ${problem}`}. Patterns are those of RE2: no lookaround, no backreferences`,
      { details: { field: `${field}.pattern`, reason: 'invalid_regex_pattern', position } },
    );
  }
  return {
    pattern,
    action: word(`${field}.action`, action, CONTENT_FILTER_ACTIONS),
    ...(label === undefined || label === null ? {} : { label: textOf(`${field}.label`, label, LABEL_CHARACTERS_MAX) }),
    ...sideOf(field, filter),
  };
};

/** They would need a model of language, which this station has none of: a filter that finds half of the names guards nothing. */
const NOT_SERVED = ['person-name', 'address'];

const builtinFilter = (field: string, filter: Body): ContentFilterBuiltinEntry => {
  // The label follows from the slug; the reference takes and ignores it.
  knownMembers(field, filter, ['slug', 'action', 'scan_scope', 'label', 'applies_to']);
  const { slug, action, scan_scope: scope } = filter;
  if (NOT_SERVED.some((each) => each === slug))
    return refuseField(
      `${field}.slug`,
      `'${String(slug)}' is not served here: it takes a language model to find those. Use content_filters for what has a form`,
    );
  const known = word(`${field}.slug`, slug, CONTENT_FILTER_SLUGS);
  if (scope !== undefined && scope !== null && known !== 'regex-prompt-injection')
    return refuseField(`${field}.scan_scope`, 'Only regex-prompt-injection has a scope; leave it out');
  return {
    slug: known,
    action: word(`${field}.action`, action, CONTENT_FILTER_ACTIONS),
    ...(scope === undefined || scope === null
      ? {}
      : { scanScope: word(`${field}.scan_scope`, scope, ['user_only', 'all_messages'] as const) }),
    ...sideOf(field, filter),
  };
};

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
  [
    'allowed_regions',
    (value) => ({ regions: list('allowed_regions', ENTRY_CHARACTERS_MAX.regions, REGIONS_MAX)(value) }),
  ],
  ['content_filters', (value) => ({ contentFilters: filters('content_filters', value, ownFilter) })],
  [
    'content_filter_builtins',
    (value) => ({ contentFilterBuiltins: filters('content_filter_builtins', value, builtinFilter) }),
  ],
]);

const zdr = (value: Body): GuardrailSettings['zdr'] => {
  const all = flag('enforce_zdr', value['enforce_zdr']);
  const said = ZDR_GROUPS.flatMap((group) => {
    const named = `enforce_zdr_${group}`;
    const one = flag(named, value[named]) ?? all;
    const isNamed = value[named] !== undefined || value['enforce_zdr'] !== undefined;
    return isNamed ? [[group, one === true] as const] : [];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
};

const FIELDS = [...READERS.keys(), 'enforce_zdr', ...ZDR_GROUPS.map((group) => `enforce_zdr_${group}`), ...NOT_YET];

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
