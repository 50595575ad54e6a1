// Records of what other services changed, in the same chain as our own. A notice that comes twice is recorded once.
import { Controller, Inject } from '@nestjs/common';
import { ControlAuditAppend } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { CHANGES } from '../tokens.js';
import type { Actor } from './audit-chain.js';

type Append = z.infer<typeof ControlAuditAppend.request>;

const actorOf = ({ kind, keyHash, memberId, reason }: Append['actor']): Actor => ({
  kind,
  ...(keyHash === undefined ? {} : { keyHash }),
  ...(memberId === undefined ? {} : { memberId }),
  ...(reason === undefined ? {} : { reason }),
});

@Controller()
export class AuditHandler {
  constructor(@Inject(CHANGES) private readonly changes: Changes) {}

  @Handles(ControlAuditAppend)
  append({ noticeId, workspaceId, actor, action, subject, detail }: Append): Promise<{ appended: boolean }> {
    return this.changes.commit<{ appended: boolean }>(async ({ runner }) => {
      const known = await queryRows(runner, `select 1 from audit where detail ->> 'noticeId' = $1`, [noticeId]);
      if (known.length > 0) return { result: { appended: false } };
      return {
        result: { appended: true },
        fact: { workspaceId, actor: actorOf(actor), action, subject, detail: { ...detail, noticeId } },
      };
    });
  }
}
