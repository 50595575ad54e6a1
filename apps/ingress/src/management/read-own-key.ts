// Bodies that keep and change customers' own provider keys, read strictly. What the reference's fields leave unsaid is ours: `always_use`, `capacity`, and a `sort_order` to set.
// Invariant: nothing here quotes the key.
import {
  OWN_KEY_FILTER_MAX,
  OWN_KEY_NAME_CHARACTERS_MAX,
  OWN_KEY_SECRET_CHARACTERS_MAX,
  type CapacityLimits,
  type OwnKeySettings,
} from '@waystation/contracts';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName } from './read-json.js';

const PROVIDER_CHARACTERS_MAX = 128;
const WORKSPACE_CHARACTERS_MAX = 64;
const SORT_ORDER_MAX = 1_000_000;
const CAPACITY_MAX = 1_000_000_000;
const KEY_HASH = /^[0-9a-f]{64}$/;
const KEY_HASH_CHARACTERS = 64;

type Body = Readonly<Record<string, unknown>>;

const flag = (field: string, value: unknown): boolean =>
  typeof value === 'boolean' ? value : refuseField(field, `Expected boolean, received ${typeName(value)}`);

const order = (value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= SORT_ORDER_MAX
    ? value
    : refuseField(
        'sort_order',
        `Expected a whole number from 0 to ${SORT_ORDER_MAX}, received ${JSON.stringify(value).slice(0, 64)}`,
      );

const list = (field: string, value: unknown, charactersMax: number, entriesMin = 0): string[] | null => {
  if (value === null) return null;
  if (!Array.isArray(value)) return refuseField(field, `Expected array or null, received ${typeName(value)}`);
  if (value.length < entriesMin || value.length > OWN_KEY_FILTER_MAX)
    return refuseField(
      field,
      `Expected ${entriesMin} to ${OWN_KEY_FILTER_MAX} entries or null, received ${value.length}`,
    );
  return [...new Set(value.map((entry: unknown) => textOf(field, entry, charactersMax)))];
};

const hashes = (value: unknown): string[] | null => {
  const field = 'allowed_api_key_hashes';
  const read = list(field, value, KEY_HASH_CHARACTERS, 1);
  const odd = read?.find((hash) => !KEY_HASH.test(hash));
  return odd === undefined
    ? read
    : refuseField(field, 'Expected hashes of API keys, 64 hexadecimal digits in lower case');
};

const limit = (name: string, value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= CAPACITY_MAX
    ? value
    : refuseField(
        `capacity.${name}`,
        `Expected a whole number from 1 to ${CAPACITY_MAX}, received ${JSON.stringify(value).slice(0, 64)}`,
      );

/** Members by wire name. */
const CAPACITY_MEMBERS = {
  requests_per_minute: 'requestsPerMinute',
  tokens_per_minute: 'tokensPerMinute',
  in_flight: 'inFlight',
} as const;

/** Null, in the place of a member or of all, is no limit. */
const capacity = (value: unknown): CapacityLimits | null => {
  if (value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value))
    return refuseField('capacity', `Expected object or null, received ${typeName(value)}`);
  const limits: CapacityLimits = {};
  for (const [name, each] of Object.entries(value)) {
    if (!isCapacityMember(name))
      return refuseField(
        'capacity',
        `Unknown member ${JSON.stringify(name.slice(0, 64))}; known are ${Object.keys(CAPACITY_MEMBERS).join(', ')}`,
      );
    if (each !== null) limits[CAPACITY_MEMBERS[name]] = limit(name, each);
  }
  return Object.keys(limits).length === 0 ? null : limits;
};

const isCapacityMember = (name: string): name is keyof typeof CAPACITY_MEMBERS => Object.hasOwn(CAPACITY_MEMBERS, name);

/** Readers by wire name: what a field becomes. */
const READERS: ReadonlyMap<string, (value: unknown) => OwnKeySettings> = new Map<
  string,
  (value: unknown) => OwnKeySettings
>([
  ['name', (value) => ({ name: value === null ? null : textOf('name', value, OWN_KEY_NAME_CHARACTERS_MAX) })],
  ['disabled', (value) => ({ disabled: flag('disabled', value) })],
  ['is_fallback', (value) => ({ isFallback: flag('is_fallback', value) })],
  ['always_use', (value) => ({ alwaysUse: flag('always_use', value) })],
  ['sort_order', (value) => ({ sortOrder: order(value) })],
  ['allowed_models', (value) => ({ allowedModels: list('allowed_models', value, 256) })],
  ['allowed_api_key_hashes', (value) => ({ allowedKeyHashes: hashes(value) })],
  ['capacity', (value) => ({ capacity: capacity(value) })],
  ['allowed_user_ids', (value) => ({ allowedMemberIds: list('allowed_user_ids', value, 64) })],
]);

const settingsOf = (value: Body): OwnKeySettings => {
  const settings: OwnKeySettings = {};
  for (const [field, read] of READERS) if (value[field] !== undefined) Object.assign(settings, read(value[field]));
  return settings;
};

const secretOf = (value: Body): string => textOf('key', value['key'], OWN_KEY_SECRET_CHARACTERS_MAX);

export interface NewOwnKey {
  readonly workspaceId: string | undefined;
  readonly provider: string;
  readonly secret: string;
  readonly settings: OwnKeySettings;
}

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readNewOwnKey = (body: unknown): NewOwnKey => {
  const value = readJsonObject(body);
  refuseUnknown(value, [...READERS.keys(), 'provider', 'key', 'workspace_id']);
  return {
    workspaceId:
      value['workspace_id'] === undefined
        ? undefined
        : textOf('workspace_id', value['workspace_id'], WORKSPACE_CHARACTERS_MAX),
    provider: textOf('provider', value['provider'], PROVIDER_CHARACTERS_MAX),
    secret: secretOf(value),
    settings: settingsOf(value),
  };
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readOwnKeyChanges = (body: unknown): { secret?: string; settings: OwnKeySettings } => {
  const value = readJsonObject(body);
  refuseUnknown(value, [...READERS.keys(), 'key']);
  return { ...(value['key'] === undefined ? {} : { secret: secretOf(value) }), settings: settingsOf(value) };
};
