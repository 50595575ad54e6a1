// Suspension of a workspace by billing, whose payment is disputed. It lifts what it set itself; what an operator suspended stays so.
import { Controller, Inject } from '@nestjs/common';
import { ControlWorkspaceSuspend, WaystationError } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { CHANGES } from '../tokens.js';

type Suspend = z.infer<typeof ControlWorkspaceSuspend.request>;

const BILLING = 'billing';

@Controller()
export class SuspensionHandler {
  constructor(@Inject(CHANGES) private readonly changes: Changes) {}

  @Handles(ControlWorkspaceSuspend)
  suspend({ workspaceId, suspended, reason }: Suspend): Promise<{ suspended: boolean }> {
    return this.changes.commit(async ({ runner, version, touch }) => {
      const [row] = await queryRows<{ suspended: boolean; suspended_by: string | null }>(
        runner,
        'select suspended, suspended_by from workspaces where id = $1',
        [workspaceId],
      );
      if (row === undefined) throw new WaystationError('not_found', `There is no workspace "${workspaceId}".`);
      const isOurs = row.suspended_by === BILLING;
      if (row.suspended === suspended || (!suspended && !isOurs)) return { result: { suspended: row.suspended } };
      await runner.query('update workspaces set suspended = $2, suspended_by = $3, version = $4 where id = $1', [
        workspaceId,
        suspended,
        suspended ? BILLING : null,
        version,
      ]);
      touch('workspace', workspaceId);
      return {
        result: { suspended },
        fact: {
          workspaceId,
          actor: { kind: 'service', reason: BILLING },
          action: suspended ? 'workspace.suspended' : 'workspace.resumed',
          subject: workspaceId,
          detail: { reason },
        },
      };
    });
  }
}
