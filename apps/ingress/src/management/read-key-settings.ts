// Bodies of POST /keys and PATCH /keys/{hash}: checked strictly, named as the contracts do. An unknown field is refused: nobody sets what is not theirs to set.
import {
  readJsonObject,
  refuseField as refuse,
  refuseUnknown,
  textOf,
  typeName as shown,
  usdAmount,
} from './read-json.js';

interface KeySettings {
  name?: string;
  disabled?: boolean;
  /** Picodollars; null removes the limit. */
  limit?: string | null;
  limitReset?: 'daily' | 'weekly' | 'monthly' | null;
  includeByokInLimit?: boolean;
  expiresAt?: number | null;
  workspaceId?: string;
  memberId?: string;
}

const text =
  (field: string, max: number) =>
  (value: unknown): string =>
    textOf(field, value, max);

const flag =
  (field: string) =>
  (value: unknown): boolean =>
    typeof value === 'boolean' ? value : refuse(field, `Expected boolean, received ${shown(value)}`);

const limit = (value: unknown): string | null => (value === null ? null : usdAmount('limit', value).toString());

const RESETS = ['daily', 'weekly', 'monthly'] as const;
const reset = (value: unknown): KeySettings['limitReset'] =>
  value === null
    ? null
    : (RESETS.find((word) => word === value) ??
      refuse('limit_reset', "Expected 'daily' | 'weekly' | 'monthly' | null"));

const instant = (value: unknown): number | null => {
  if (value === null) return null;
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? refuse('expires_at', 'Expected an ISO 8601 date and time, or null') : ms;
};

/** Readers by wire name: what a field becomes. */
const READERS: ReadonlyMap<string, (value: unknown, into: KeySettings) => void> = new Map([
  ['name', (value, into) => void (into.name = text('name', 256)(value))],
  ['disabled', (value, into) => void (into.disabled = flag('disabled')(value))],
  ['limit', (value, into) => void (into.limit = limit(value))],
  ['limit_reset', (value, into) => void (into.limitReset = reset(value) ?? null)],
  ['include_byok_in_limit', (value, into) => void (into.includeByokInLimit = flag('include_byok_in_limit')(value))],
  ['expires_at', (value, into) => void (into.expiresAt = instant(value))],
  ['workspace_id', (value, into) => void (into.workspaceId = text('workspace_id', 64)(value))],
  [
    'creator_user_id',
    (value, into) => {
      if (value !== null) into.memberId = text('creator_user_id', 64)(value);
    },
  ],
] as [string, (value: unknown, into: KeySettings) => void][]);

/** Refuses every field that is not in `allowed`. */
const readSettings = (body: unknown, allowed: readonly string[]): KeySettings => {
  const value = readJsonObject(body);
  refuseUnknown(value, allowed);
  const settings: KeySettings = {};
  for (const [key, member] of Object.entries(value)) READERS.get(key)?.(member, settings);
  return settings;
};

/** What a new key may be given. */
export type NewKey = Omit<KeySettings, 'disabled'>;
/** What may be changed of a key. */
export type KeyChanges = Pick<KeySettings, 'name' | 'disabled' | 'limit' | 'limitReset' | 'includeByokInLimit'>;

const NEW_KEY_FIELDS = [
  'name',
  'limit',
  'limit_reset',
  'include_byok_in_limit',
  'expires_at',
  'workspace_id',
  'creator_user_id',
];
const CHANGE_FIELDS = ['name', 'disabled', 'limit', 'limit_reset', 'include_byok_in_limit'];

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readNewKey = (body: unknown): NewKey => readSettings(body, NEW_KEY_FIELDS);

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readKeyChanges = (body: unknown): KeyChanges => readSettings(body, CHANGE_FIELDS);
