// Own keys as rows, as management tells of them, and as the rules that the router plans with. A secret is in none of the three.
import type { CapacityLimits, OwnKey, OwnKeyEntry } from '@waystation/contracts';

export interface OwnKeyRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly provider: string;
  readonly name: string | null;
  readonly label: string;
  readonly disabled: boolean;
  readonly is_fallback: boolean;
  readonly always_use: boolean;
  readonly sort_order: number;
  readonly allowed_models: string[] | null;
  readonly allowed_key_hashes: string[] | null;
  readonly allowed_member_ids: string[] | null;
  readonly capacity: CapacityLimits | null;
  readonly created_at: Date;
  readonly version: string;
}

export const OWN_KEY_COLUMNS =
  'id, workspace_id, provider, name, label, disabled, is_fallback, always_use, sort_order, allowed_models, allowed_key_hashes, allowed_member_ids, capacity, created_at, version';

const whenAndForWhom = (row: OwnKeyRow) => ({
  disabled: row.disabled,
  isFallback: row.is_fallback,
  alwaysUse: row.always_use,
  sortOrder: row.sort_order,
  ...(row.allowed_models === null ? {} : { allowedModels: row.allowed_models }),
  ...(row.allowed_key_hashes === null ? {} : { allowedKeyHashes: row.allowed_key_hashes }),
  ...(row.allowed_member_ids === null ? {} : { allowedMemberIds: row.allowed_member_ids }),
  ...(row.capacity === null ? {} : { capacity: row.capacity }),
});

export const ownKeyOf = (row: OwnKeyRow): OwnKey => ({
  id: row.id,
  workspaceId: row.workspace_id,
  provider: row.provider,
  ...(row.name === null ? {} : { name: row.name }),
  label: row.label,
  ...whenAndForWhom(row),
  createdAt: row.created_at.getTime(),
});

export const ownKeyEntryOf = (row: OwnKeyRow): OwnKeyEntry => ({
  v: 1,
  version: Number(row.version),
  id: row.id,
  workspaceId: row.workspace_id,
  provider: row.provider,
  ...whenAndForWhom(row),
});
