// Guardrails: a budget and restrictions for whom they are assigned to, a key, a member, or by default everybody of a workspace.
// To the data plane a guardrail is a policy (see snapshot.ts) under its own id.
import { z } from 'zod';
import { call, define } from './management.js';
import { count, keyHash, memberId, picodollarsUnsigned, unixMs, workspaceId } from './scalars.js';
import { policyEntry, ZDR_GROUPS } from './snapshot.js';

/** Guardrails, or assignments, of one page, and assignments of one change. */
export const GUARDRAILS_PER_CALL_MAX = 100;

/** An id, or `default` for the guardrail of everybody in the workspace. */
export const guardrailId = z.string().min(1).max(64);

const { allowedModels, ignoredModels, allowedProviders, ignoredProviders, regions } = policyEntry.shape;
const { contentFilters, contentFilterBuiltins, zdrGroups } = policyEntry.shape;
const list = (of: typeof allowedModels) => of.nullable();

/** Null removes. */
const changeable = {
  description: z.string().max(1000).nullable().optional(),
  limit: picodollarsUnsigned.nullable().optional(),
  limitReset: z.enum(['daily', 'weekly', 'monthly']).nullable().optional(),
  includeByok: z.boolean().optional(),
  allowedModels: list(allowedModels).optional(),
  ignoredModels: list(ignoredModels).optional(),
  allowedProviders: list(allowedProviders).optional(),
  ignoredProviders: list(ignoredProviders).optional(),
  regions: regions.nullable(),
  contentFilters: contentFilters.nullable(),
  contentFilterBuiltins: contentFilterBuiltins.nullable(),
  /** Of the groups that are named here; the others stay as they are. */
  zdr: z.partialRecord(z.enum(ZDR_GROUPS), z.boolean()).optional(),
};
const name = z.string().min(1).max(200);
const guardrailSettings = z.object({ name: name.optional(), ...changeable });
export type GuardrailSettings = z.infer<typeof guardrailSettings>;

export const guardrailEntry = z.object({
  id: guardrailId,
  workspaceId,
  /** Of everybody in the workspace. */
  isDefault: z.boolean(),
  name,
  description: z.string().max(1000).optional(),
  /** Picodollars of each of whom it is assigned to. */
  limit: picodollarsUnsigned.optional(),
  /** Absent: never. */
  limitReset: z.enum(['daily', 'weekly', 'monthly']).optional(),
  includeByok: z.boolean(),
  allowedModels,
  ignoredModels,
  allowedProviders,
  ignoredProviders,
  regions,
  contentFilters,
  contentFilterBuiltins,
  /** For all models. */
  zdr: z.boolean(),
  /** Where not for all. */
  zdrGroups,
  createdAt: unixMs,
  updatedAt: unixMs.optional(),
});
export type GuardrailEntry = z.infer<typeof guardrailEntry>;

export const guardrailAssignment = z.object({
  guardrailId,
  to: z.enum(['key', 'member']),
  /** Hash of the key, or id of the member. */
  subjectId: z.string().max(64),
  /** Of a key. */
  name: z.string().max(256).optional(),
  label: z.string().max(64).optional(),
  assignedBy: memberId.optional(),
  assignedAt: unixMs,
});
export type GuardrailAssignment = z.infer<typeof guardrailAssignment>;

const about = { ...call, workspaceId };
const one = { ...about, guardrailId };
const page = { offset: count, limit: z.number().int().min(1).max(GUARDRAILS_PER_CALL_MAX) };
const reply = z.object({ guardrail: guardrailEntry });
const reads = 'workspaces:read';
const writes = 'workspaces:write';

/** Restricts nobody before it is assigned. */
export const ControlGuardrailCreate = define(
  'control',
  'guardrail',
  'create',
  writes,
  false,
  z.object({ ...about, name, ...changeable }),
  reply,
);
/** Of the default one: makes it, if it is not there yet. */
export const ControlGuardrailUpdate = define(
  'control',
  'guardrail',
  'update',
  writes,
  true,
  z.object({ ...one, changes: guardrailSettings }),
  reply,
);
/** Takes it from all of whom it is assigned to. */
export const ControlGuardrailDelete = define(
  'control',
  'guardrail',
  'delete',
  writes,
  true,
  z.object(one),
  z.object({ deleted: z.literal(true) }),
);
export const ControlGuardrailGet = define('control', 'guardrail', 'get', reads, true, z.object(one), reply);
export const ControlGuardrailList = define(
  'control',
  'guardrail',
  'list',
  reads,
  true,
  z.object({ ...about, ...page }),
  z.object({ guardrails: z.array(guardrailEntry).max(GUARDRAILS_PER_CALL_MAX), total: count }),
);

const subjects = { key: keyHash, member: memberId };
const assignees = <To extends 'key' | 'member'>(to: To) =>
  z.object({
    ...one,
    to: z.literal(to),
    subjectIds: z.array(subjects[to]).min(1).max(GUARDRAILS_PER_CALL_MAX),
    /** Whether they shall have it, in the place of any other, or have it no longer. */
    assigned: z.boolean(),
  });
/** All of these or none; answers how many were changed. `not_found` where one of them is not there. */
export const ControlGuardrailAssign = define(
  'control',
  'guardrail',
  'assign',
  writes,
  true,
  z.discriminatedUnion('to', [assignees('key'), assignees('member')]),
  z.object({ changed: count }),
);
export const ControlGuardrailAssignments = define(
  'control',
  'guardrail',
  'assignments',
  reads,
  true,
  z.object({ ...about, ...page, to: guardrailAssignment.shape.to, guardrailId: guardrailId.optional() }),
  z.object({ assignments: z.array(guardrailAssignment).max(GUARDRAILS_PER_CALL_MAX), total: count }),
);
