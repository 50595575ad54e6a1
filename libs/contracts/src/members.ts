// Members of a workspace: who its keys may belong to. A key of a member meets the limits and the guardrail of that member.
import { z } from 'zod';
import { call, define } from './management.js';
import { count, memberId, unixMs, workspaceId } from './scalars.js';

export const MEMBER_ROLES = ['admin', 'member'] as const;
/** Longest address that mail can be sent to (RFC 5321). */
export const EMAIL_CHARACTERS_MAX = 254;
/** Members of one page, or of one change. */
export const MEMBERS_PER_CALL_MAX = 100;

export const memberEntry = z.object({
  id: memberId,
  workspaceId,
  email: z.string().max(EMAIL_CHARACTERS_MAX),
  role: z.enum(MEMBER_ROLES),
  createdAt: unixMs,
});
export type MemberEntry = z.infer<typeof memberEntry>;

const about = { ...call, workspaceId };
const one = { ...about, memberId };
const reply = z.object({ member: memberEntry });

/** `conflict` where the workspace has a member with this address. */
export const ControlMemberCreate = define(
  'control',
  'member',
  'create',
  'members:write',
  false,
  z.object({ ...about, email: memberEntry.shape.email, role: memberEntry.shape.role }),
  reply,
);
export const ControlMemberGet = define('control', 'member', 'get', 'members:read', true, z.object(one), reply);
export const ControlMemberList = define(
  'control',
  'member',
  'list',
  'members:read',
  true,
  z.object({ ...about, offset: count, limit: z.number().int().min(1).max(MEMBERS_PER_CALL_MAX) }),
  z.object({ members: z.array(memberEntry).max(MEMBERS_PER_CALL_MAX), total: count }),
);
export const ControlMemberUpdate = define(
  'control',
  'member',
  'update',
  'members:write',
  true,
  z.object({ ...one, role: memberEntry.shape.role }),
  reply,
);
/** Removes all of these or none, and disables their keys. `not_found` where one of them is not there. */
export const ControlMemberRemove = define(
  'control',
  'member',
  'remove',
  'members:write',
  false,
  z.object({ ...about, memberIds: z.array(memberId).min(1).max(MEMBERS_PER_CALL_MAX) }),
  z.object({ removed: count, disabledKeys: count }),
);
