// Suspension of a workspace: by billing, whose payment is disputed, and by the operator. Billing lifts what it set itself; the operator lifts anything, and
// what the operator suspended only the operator resumes. Every change is audited with its reason.
import { Controller, Inject } from '@nestjs/common';
import { ControlSuspensionPut, ControlWorkspaceSuspend, type Suspension } from '@waystation/contracts';
import { Handles } from '@waystation/runtime';
import type { z } from 'zod';
import type { AuditFact } from '../audit/audit-chain.js';
import type { Changes } from '../changes/changes.js';
import { actorOf, makerOf } from '../keys/principal-scope.js';
import { CHANGES } from '../tokens.js';
import { readSuspension, suspensionOf, writeSuspension } from './suspension-rows.js';

type Suspend = z.infer<typeof ControlWorkspaceSuspend.request>;
type Put = z.infer<typeof ControlSuspensionPut.request>;

const BILLING = 'billing';
const OPERATOR = 'operator';

@Controller()
export class SuspensionHandler {
  constructor(@Inject(CHANGES) private readonly changes: Changes) {}

  @Handles(ControlWorkspaceSuspend)
  suspend({ workspaceId, suspended, reason }: Suspend): Promise<{ suspended: boolean }> {
    return this.changes.commit(async (change) => {
      const before = await readSuspension(change, workspaceId);
      const isOurs = before.suspended_by === BILLING;
      if (before.suspended === suspended || (!suspended && !isOurs)) return { result: { suspended: before.suspended } };
      await writeSuspension(change, workspaceId, suspended ? { by: BILLING, reason } : undefined);
      return {
        result: { suspended },
        fact: factOf(workspaceId, { kind: 'service', reason: BILLING }, suspended, { reason }),
      };
    });
  }

  @Handles(ControlSuspensionPut)
  put({ principal, workspaceId, suspended, reason }: Put): Promise<{ suspension?: Suspension }> {
    return this.changes.commit(async (change) => {
      await makerOf(change.runner, principal);
      const before = await readSuspension(change, workspaceId);
      const isSo = suspended
        ? before.suspended_by === OPERATOR && before.suspended_reason === reason
        : !before.suspended;
      if (isSo) return { result: suspensionOf(before) };
      const after = await writeSuspension(change, workspaceId, suspended ? { by: OPERATOR, reason } : undefined);
      const detail = { reason, ...(before.suspended ? { before: suspensionOf(before).suspension ?? {} } : {}) };
      return { result: suspensionOf(after), fact: factOf(workspaceId, actorOf(principal), suspended, detail) };
    });
  }
}

const factOf = (
  workspaceId: string,
  actor: AuditFact['actor'],
  suspended: boolean,
  detail: AuditFact['detail'],
): AuditFact => ({
  ...{ workspaceId, actor, detail, subject: workspaceId },
  action: suspended ? 'workspace.suspended' : 'workspace.resumed',
});
