// Presets, and the rules by which models are chosen for tasks.
import { taskRules } from '@waystation/contracts';
import { z } from 'zod';
import { count, data, instant, page, pageQuery, type Operations } from '../operation.js';

const status = z.enum(['active', 'disabled', 'archived']);
const listed = {
  id: z.string(),
  creator_user_id: z.string().nullable(),
  workspace_id: z.string().nullable(),
  name: z.string(),
  slug: z.string(),
  description: z.string().nullable(),
  status,
  designated_version_id: z.string().nullable(),
  created_at: instant,
  updated_at: instant,
  status_updated_at: instant.nullable(),
};
const version = z
  .object({
    id: z.string(),
    preset_id: z.string(),
    creator_id: z.string(),
    version: count,
    system_prompt: z.string().nullable(),
    config: z.record(z.string(), z.unknown()),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'PresetVersion' });
const preset = z.object(listed).meta({ id: 'Preset' });
const wholePreset = z.object({ ...listed, designated_version: version }).meta({ id: 'PresetWithVersion' });
const changes = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  description: z.string().min(1).max(1_000).nullable().optional(),
  status: status.optional(),
  designated_version: z.int().min(1).optional(),
});
const rules = z.object({ rules: taskRules, is_default: z.boolean() }).meta({ id: 'TaskRules' });

const tag = 'Tasks';
const made = {
  tag,
  description:
    'The body is that of a request. It is not run; its conversation is left out, and its system prompt and settings are kept.',
  answer: data(wholePreset),
} as const;
const body = (of: string) => ({ type: 'object', description: `A body of ${of}`, additionalProperties: true });

export const TASKS: Operations = {
  'GET /presets': {
    id: 'listPresets',
    tag,
    summary: 'The presets of the workspace, last changed first',
    query: pageQuery,
    answer: page(preset),
  },
  'GET /presets/:slug': {
    id: 'getPreset',
    tag,
    summary: 'A preset with its designated version',
    answer: data(wholePreset),
  },
  'PATCH /presets/:slug': {
    ...{
      id: 'updatePreset',
      tag,
      summary: 'Names, describes, switches off or archives a preset, or designates another version',
    },
    ...{ body: changes, answer: data(wholePreset) },
  },
  'GET /presets/:slug/versions': {
    id: 'listPresetVersions',
    tag,
    summary: 'The versions of a preset, newest first',
    query: pageQuery,
    answer: page(version),
  },
  'GET /presets/:slug/versions/:version': {
    id: 'getPresetVersion',
    tag,
    summary: 'One version of a preset',
    answer: data(version),
  },
  'POST /presets/:slug/chat/completions': {
    ...{ id: 'putPresetByChat', summary: 'Makes a preset, or its next version, of a chat completion' },
    ...{ ...made, body: body('`POST /chat/completions`') },
  },
  'POST /presets/:slug/messages': {
    ...{ id: 'putPresetByMessages', summary: 'Makes a preset, or its next version, of a Messages request' },
    ...{ ...made, body: body('`POST /messages`') },
  },
  'POST /presets/:slug/responses': {
    ...{ id: 'putPresetByResponses', summary: 'Makes a preset, or its next version, of a Responses request' },
    ...{ ...made, body: body('`POST /responses`') },
  },
  'GET /task-rules': {
    id: 'getTaskRules',
    tag,
    summary: 'The rules by which `waystation/auto` chooses models',
    answer: data(rules),
  },
  'PUT /task-rules': {
    ...{ id: 'putTaskRules', tag, summary: 'Sets the rules of the workspace, in the place of all it had' },
    description: 'Conditions are CEL. One that does not compile is refused with its position, and nothing is changed.',
    ...{ body: z.strictObject({ rules: taskRules.min(1) }), answer: data(rules) },
  },
  'DELETE /task-rules': {
    id: 'resetTaskRules',
    tag,
    summary: 'Goes by the rules of the station again',
    answer: data(rules),
  },
};
