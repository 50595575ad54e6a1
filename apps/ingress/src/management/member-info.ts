// A member as the reference API shows it: in its workspace, and in the organization, which here is the workspace.
import type { MemberEntry } from '@waystation/contracts';

/** The membership and whose it is are one thing here, and have one id. The address is ours: nobody else keeps it. */
export const memberInfo = ({ id, workspaceId, email, role, createdAt }: MemberEntry) => ({
  id,
  workspace_id: workspaceId,
  user_id: id,
  email,
  role,
  created_at: new Date(createdAt).toISOString(),
});

export const organizationMemberInfo = ({ id, email, role }: MemberEntry) => ({
  id,
  email,
  first_name: null,
  last_name: null,
  role: `org:${role}`,
});
