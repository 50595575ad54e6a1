// Presets as rows, as the API tells of them, and as the data plane applies them.
import type { Preset, PresetEntry, PresetVersion } from '@waystation/contracts';

export interface VersionRow {
  readonly version_id: string;
  readonly preset_id: string;
  readonly number: number;
  readonly config: Record<string, unknown>;
  readonly system_prompt: string | null;
  readonly creator: string;
  readonly version_created_at: Date;
}

/** With its designated version. */
export interface PresetRow extends VersionRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: Preset['status'];
  readonly creator_member_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly status_updated_at: Date | null;
  readonly version: string;
}

export const VERSION_COLUMNS =
  'v.id as version_id, v.preset_id, v.number, v.config, v.system_prompt, v.creator, v.created_at as version_created_at';
export const PRESETS = `select p.id, p.workspace_id, p.slug, p.name, p.description, p.status, p.creator_member_id, p.created_at, p.updated_at, p.status_updated_at, p.version, ${VERSION_COLUMNS}
  from presets as p join preset_versions as v on v.preset_id = p.id and v.number = p.designated`;

const saidOf = ({ config, system_prompt }: VersionRow) => ({
  config,
  ...(system_prompt === null ? {} : { systemPrompt: system_prompt }),
});

export const versionOf = (row: VersionRow): PresetVersion => ({
  id: row.version_id,
  presetId: row.preset_id,
  number: row.number,
  ...saidOf(row),
  creator: row.creator,
  createdAt: row.version_created_at.getTime(),
});

export const presetOf = (row: PresetRow): Preset => ({
  id: row.id,
  workspaceId: row.workspace_id,
  slug: row.slug,
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  status: row.status,
  designated: versionOf(row),
  ...(row.creator_member_id === null ? {} : { creatorMemberId: row.creator_member_id }),
  createdAt: row.created_at.getTime(),
  updatedAt: row.updated_at.getTime(),
  ...(row.status_updated_at === null ? {} : { statusUpdatedAt: row.status_updated_at.getTime() }),
});

export const presetEntryOf = (row: PresetRow): PresetEntry => ({
  v: 1,
  version: Number(row.version),
  id: row.id,
  workspaceId: row.workspace_id,
  slug: row.slug,
  status: row.status,
  number: row.number,
  ...saidOf(row),
});
