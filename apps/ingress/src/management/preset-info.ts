// Presets as the reference API shows them.
import type { Preset, PresetVersion } from '@waystation/contracts';

export const presetInfo = (preset: Omit<Preset, 'designated'> & { readonly designatedId: string }) => ({
  id: preset.id,
  creator_user_id: preset.creatorMemberId ?? null,
  workspace_id: preset.workspaceId,
  name: preset.name,
  slug: preset.slug,
  description: preset.description ?? null,
  status: preset.status,
  designated_version_id: preset.designatedId,
  created_at: new Date(preset.createdAt).toISOString(),
  updated_at: new Date(preset.updatedAt).toISOString(),
  status_updated_at: preset.statusUpdatedAt === undefined ? null : new Date(preset.statusUpdatedAt).toISOString(),
});

export const versionInfo = (version: PresetVersion) => ({
  id: version.id,
  preset_id: version.presetId,
  creator_id: version.creator,
  version: version.number,
  system_prompt: version.systemPrompt ?? null,
  config: version.config,
  created_at: new Date(version.createdAt).toISOString(),
  // A version never changes.
  updated_at: new Date(version.createdAt).toISOString(),
});

export const wholePresetInfo = ({ designated, ...preset }: Preset) => ({
  ...presetInfo({ ...preset, designatedId: designated.id }),
  designated_version: versionInfo(designated),
});
