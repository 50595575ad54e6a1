// Guardrails and who has them; members.
import {
  CONTENT_FILTER_ACTIONS,
  CONTENT_FILTER_SIDES,
  CONTENT_FILTER_SLUGS,
  CONTENT_FILTERS_MAX,
  CONTENT_PATTERN_CHARACTERS_MAX,
  GUARDRAILS_PER_CALL_MAX,
  MEMBERS_PER_CALL_MAX,
  MEMBER_ROLES,
  ZDR_GROUPS,
} from '@waystation/contracts';
import { z } from 'zod';
import { count, data, deleted, instant, json, page, pageQuery, usd, type Operations } from '../operation.js';
import { limit } from './limits.js';

const list = z.array(z.string()).nullable();
const reset = z.enum(['daily', 'weekly', 'monthly']).nullable();
const zdrOf = <Flag extends z.ZodType>(flag: Flag) =>
  Object.fromEntries(
    ['enforce_zdr', ...ZDR_GROUPS.map((group) => `enforce_zdr_${group}`)].map((field) => [field, flag]),
  );

const action = z.enum(CONTENT_FILTER_ACTIONS);
const slug = z.enum(CONTENT_FILTER_SLUGS);
const scope = z.enum(['user_only', 'all_messages']);
const side = z
  .enum(CONTENT_FILTER_SIDES)
  .meta({ description: 'Ours: what the filter looks at. Without it, what goes in, as in the reference' });

const guardrail = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    limit_usd: usd.nullable(),
    reset_interval: reset,
    include_byok_in_budgets: z.boolean(),
    allowed_models: list,
    ignored_models: list,
    allowed_providers: list,
    ignored_providers: list,
    ...zdrOf(z.boolean()),
    allowed_regions: list,
    content_filters: z
      .array(z.object({ pattern: z.string(), action, label: z.string().nullable(), applies_to: side }))
      .nullable(),
    content_filter_builtins: z
      .array(z.object({ slug, action, label: z.string(), scan_scope: scope.optional(), applies_to: side }))
      .nullable(),
    created_at: instant,
    updated_at: instant.nullable(),
  })
  .meta({ id: 'Guardrail' });

const entries = (charactersMax: number) =>
  z.array(z.string().min(1).max(charactersMax)).min(1).max(1_000).nullable().optional();

const settings = {
  name: z.string().min(1).max(200),
  description: z.string().min(1).max(1_000).nullable().optional(),
  limit_usd: z.number().nonnegative().nullable().optional(),
  reset_interval: reset.optional(),
  include_byok_in_budgets: z.boolean().optional(),
  allowed_models: entries(256),
  ignored_models: entries(256),
  allowed_providers: entries(128),
  ignored_providers: entries(128),
  allowed_regions: z.array(z.string().min(1).max(64)).min(1).max(64).nullable().optional(),
  content_filters: z
    .array(
      z.strictObject({
        pattern: z
          .string()
          .min(1)
          .max(CONTENT_PATTERN_CHARACTERS_MAX)
          .meta({ description: 'A regular expression in the syntax of RE2' }),
        action,
        label: z.string().min(1).max(100).nullable().optional(),
        applies_to: side.nullable().optional(),
      }),
    )
    .max(CONTENT_FILTERS_MAX)
    .nullable()
    .optional(),
  content_filter_builtins: z
    .array(
      z.strictObject({
        slug,
        action,
        scan_scope: scope.nullable().optional(),
        label: z.string().nullable().optional().meta({ description: 'Taken and ignored' }),
        applies_to: side.nullable().optional(),
      }),
    )
    .max(CONTENT_FILTERS_MAX)
    .nullable()
    .optional(),
  ...zdrOf(
    z.boolean().nullable().optional().meta({ description: 'enforce_zdr holds for all groups that are not named' }),
  ),
};
const newGuardrail = z.strictObject({ ...settings, workspace_id: z.string().min(1).max(64).optional() });
const guardrailChanges = z.strictObject({ ...settings, name: settings.name.optional() });

const assigned = {
  id: z.guid(),
  guardrail_id: z.string(),
  assigned_by: z.string().nullable(),
  created_at: instant,
  budget: limit.nullable(),
};
const keyAssignment = z
  .object({ ...assigned, key_hash: z.string(), key_name: z.string(), key_label: z.string() })
  .meta({ id: 'KeyAssignment' });
const memberAssignment = z
  .object({ ...assigned, user_id: z.string(), organization_id: z.string() })
  .meta({ id: 'MemberAssignment' });

const KINDS = {
  keys: {
    item: keyAssignment,
    body: z.strictObject({
      key_hashes: z
        .array(z.string().regex(/^[0-9a-f]{64}$/))
        .min(1)
        .max(GUARDRAILS_PER_CALL_MAX),
    }),
    noun: 'Key',
  },
  members: {
    item: memberAssignment,
    body: z.strictObject({
      member_user_ids: z.array(z.string().min(1).max(64)).min(1).max(MEMBERS_PER_CALL_MAX),
    }),
    noun: 'Member',
  },
} as const;

const assignmentsOf = (kind: keyof typeof KINDS): Operations => {
  const { item, body, noun } = KINDS[kind];
  const tag = 'Guardrails';
  return {
    [`GET /guardrails/assignments/${kind}`]: {
      id: `list${noun}Assignments`,
      ...{ tag, summary: `Which ${kind} have a guardrail, and what is left of its budget` },
      ...{ query: pageQuery, answer: page(item) },
    },
    [`GET /guardrails/:id/assignments/${kind}`]: {
      id: `list${noun}AssignmentsOfGuardrail`,
      ...{ tag, summary: `Which ${kind} have this guardrail` },
      ...{ query: pageQuery, answer: page(item) },
    },
    [`POST /guardrails/:id/assignments/${kind}`]: {
      id: `assign${noun}s`,
      ...{ tag, summary: `Puts ${kind} under this guardrail, instead of another they may have` },
      ...{ body, answer: json(z.object({ assigned_count: count })) },
    },
    [`POST /guardrails/:id/assignments/${kind}/remove`]: {
      id: `unassign${noun}s`,
      ...{ tag, summary: `Takes ${kind} from under this guardrail` },
      ...{ body, answer: json(z.object({ unassigned_count: count })) },
    },
  };
};

const role = z.enum(MEMBER_ROLES);
const member = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    user_id: z.string(),
    email: z.string(),
    role,
    created_at: instant,
  })
  .meta({ id: 'Member' });
const organizationMember = z
  .object({
    id: z.string(),
    email: z.string(),
    first_name: z.null(),
    last_name: z.null(),
    role: z.enum(['org:admin', 'org:member']),
  })
  .meta({ id: 'OrganizationMember' });

const newMember = z.strictObject({ email: z.string().max(254), role: role.optional() });
const memberChange = z.strictObject({ role });

export const GUARDRAILS: Operations = {
  'GET /guardrails': {
    id: 'listGuardrails',
    tag: 'Guardrails',
    summary: 'Guardrails of the workspace',
    query: pageQuery.extend({ workspace_id: z.string().optional() }),
    answer: page(guardrail),
  },
  'POST /guardrails': {
    id: 'createGuardrail',
    tag: 'Guardrails',
    summary: 'Makes a guardrail',
    description: 'What cannot be guarded here (content filters, training) is refused by name, never ignored.',
    body: newGuardrail,
    answer: data(guardrail, 201),
  },
  'GET /guardrails/:id': { id: 'getGuardrail', tag: 'Guardrails', summary: 'One guardrail', answer: data(guardrail) },
  'PATCH /guardrails/:id': {
    id: 'updateGuardrail',
    tag: 'Guardrails',
    summary: 'Changes what is named, and nothing else',
    body: guardrailChanges,
    answer: data(guardrail),
  },
  'DELETE /guardrails/:id': {
    id: 'deleteGuardrail',
    tag: 'Guardrails',
    summary: 'Ends a guardrail and its assignments',
    answer: json(deleted),
  },
  ...assignmentsOf('keys'),
  ...assignmentsOf('members'),
  'GET /organization/members': {
    id: 'listOrganizationMembers',
    tag: 'Members',
    summary: 'Members of the organization, which here is the workspace',
    query: pageQuery,
    answer: page(organizationMember),
  },
  'GET /workspaces/:id/members': {
    id: 'listMembers',
    tag: 'Members',
    summary: 'Members of the workspace',
    query: pageQuery,
    answer: page(member),
  },
  'POST /workspaces/:id/members': {
    id: 'createMember',
    tag: 'Members',
    summary: 'Makes a member',
    body: newMember,
    answer: data(member, 201),
  },
  'POST /workspaces/:id/members/remove': {
    id: 'removeMembers',
    tag: 'Members',
    summary: 'Removes members and disables their keys',
    body: z.strictObject({ user_ids: z.array(z.string().min(1).max(64)).min(1).max(MEMBERS_PER_CALL_MAX) }),
    answer: json(z.object({ removed_count: count, disabled_key_count: count })),
  },
  'GET /workspaces/:id/members/:member': {
    id: 'getMember',
    tag: 'Members',
    summary: 'One member',
    answer: data(member),
  },
  'PATCH /workspaces/:id/members/:member': {
    id: 'updateMember',
    tag: 'Members',
    summary: "Changes a member's role",
    body: memberChange,
    answer: data(member),
  },
  'DELETE /workspaces/:id/members/:member': {
    id: 'removeMember',
    tag: 'Members',
    summary: 'Removes a member and disables its keys',
    answer: json(deleted),
  },
};
