// Api keys as rows, and as the entries that the data plane reads. Only the hash is known here.
import type { KeyEntry } from '@waystation/contracts';

export interface KeyRow {
  hash: string;
  workspace_id: string;
  member_id: string | null;
  label: string;
  name: string;
  kind: 'inference' | 'management';
  disabled: boolean;
  created_at: Date;
  expires_at: Date | null;
  deleted_at: Date | null;
  limit_picodollars: string | null;
  limit_reset: 'daily' | 'weekly' | 'monthly' | null;
  include_byok_in_limit: boolean;
  policy_id: string | null;
  /** Of its member. */
  member_policy_id: string | null;
  version: string;
}

export const KEY_COLUMNS = `hash, workspace_id, member_id, label, name, kind, disabled, created_at, expires_at, deleted_at, limit_picodollars, limit_reset, include_byok_in_limit, policy_id,
  (select members.policy_id from members where members.id = keys.member_id) as member_policy_id, version`;

export const keyEntryOf = (row: KeyRow): KeyEntry => ({
  v: 1,
  version: Number(row.version),
  hash: row.hash,
  label: row.label,
  name: row.name,
  workspaceId: row.workspace_id,
  ...(row.member_id === null ? {} : { memberId: row.member_id }),
  kind: row.kind,
  disabled: row.disabled,
  deleted: row.deleted_at !== null,
  createdAt: row.created_at.getTime(),
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.getTime() }),
  ...(row.limit_picodollars === null ? {} : { limit: row.limit_picodollars }),
  ...(row.limit_reset === null ? {} : { limitReset: row.limit_reset }),
  includeByokInLimit: row.include_byok_in_limit,
  ...(row.policy_id === null ? {} : { policyId: row.policy_id }),
  ...(row.member_policy_id === null ? {} : { memberPolicyId: row.member_policy_id }),
});
