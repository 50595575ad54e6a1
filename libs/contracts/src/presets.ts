// Presets: named settings of requests, kept in versions. One version is the designated one; that is what a request gets that names the preset.
import { z } from 'zod';
import { call, define } from './management.js';
import { count, memberId, unixMs, workspaceId } from './scalars.js';
import { taskRules } from './task-rules.js';

/** Presets, or versions of one, of one page. */
export const PRESETS_PER_CALL_MAX = 100;
/** Of what one version says, as JSON. */
export const PRESET_BYTES_MAX = 65_536;

export const presetSlug = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
  .max(64);
const PRESET_STATES = ['active', 'disabled', 'archived'] as const;

const said = {
  /** In the words of a chat completion, whatever dialect it was said in. */
  config: z.record(z.string().max(64), z.unknown()),
  systemPrompt: z.string().max(PRESET_BYTES_MAX).optional(),
};

export const presetVersion = z.object({
  id: z.string().max(64),
  presetId: z.string().max(64),
  number: count,
  ...said,
  creator: z.string().max(64),
  createdAt: unixMs,
});
export type PresetVersion = z.infer<typeof presetVersion>;

export const preset = z.object({
  id: z.string().max(64),
  workspaceId,
  slug: presetSlug,
  name: z.string().min(1).max(200),
  description: z.string().max(1_000).optional(),
  status: z.enum(PRESET_STATES),
  designated: presetVersion,
  creatorMemberId: memberId.optional(),
  createdAt: unixMs,
  updatedAt: unixMs,
  statusUpdatedAt: unixMs.optional(),
});
export type Preset = z.infer<typeof preset>;

/** Bucket `workspaces`, key `preset.<token of its id>`: its designated version. */
export const presetEntry = z.object({
  v: z.literal(1),
  version: count,
  id: z.string().max(64),
  workspaceId,
  slug: presetSlug,
  status: z.enum(PRESET_STATES),
  number: count,
  ...said,
});
export type PresetEntry = z.infer<typeof presetEntry>;

const about = { ...call, workspaceId };
const one = { ...about, slug: presetSlug };
const page = { offset: count, limit: z.number().int().min(1).max(PRESETS_PER_CALL_MAX) };
const reply = z.object({ preset });
// As in the reference, any key of the workspace may read them; a key that may use one learns from its answers what it says.
const reads = 'catalog:read';
const writes = 'workspaces:write';

/** Makes the preset, or a new version of it, which becomes the designated one. What the designated version says already makes none. */
export const ControlPresetPut = define('control', 'preset', 'put', writes, true, z.object({ ...one, ...said }), reply);
/** Null removes. `designated`: the number of a version. */
export const ControlPresetUpdate = define(
  'control',
  'preset',
  'update',
  writes,
  true,
  z.object({
    ...one,
    changes: z.object({
      name: preset.shape.name.optional(),
      description: z.string().min(1).max(1_000).nullable().optional(),
      status: preset.shape.status.optional(),
      designated: count.optional(),
    }),
  }),
  reply,
);
export const ControlPresetGet = define('control', 'preset', 'get', reads, true, z.object(one), reply);
/** Last updated first. */
export const ControlPresetList = define(
  'control',
  'preset',
  'list',
  reads,
  true,
  z.object({ ...about, ...page }),
  z.object({
    presets: z
      .array(preset.omit({ designated: true }).extend({ designatedId: z.string().max(64) }))
      .max(PRESETS_PER_CALL_MAX),
    total: count,
  }),
);
/** Newest first. */
export const ControlPresetVersions = define(
  'control',
  'preset',
  'versions',
  reads,
  true,
  z.object({ ...one, ...page, number: count.optional() }),
  z.object({ versions: z.array(presetVersion).max(PRESETS_PER_CALL_MAX), total: count }),
);

const rules = z.object({ rules: taskRules.nullable() });
/** Null: those of the station. A rule that does not compile is `invalid_request`, with its position. */
export const ControlTaskRulesPut = define(
  'control',
  'task-rules',
  'put',
  writes,
  true,
  z.object({ ...about, ...rules.shape }),
  rules,
);
export const ControlTaskRulesGet = define(
  'control',
  'task-rules',
  'get',
  'workspaces:read',
  true,
  z.object(about),
  rules,
);
