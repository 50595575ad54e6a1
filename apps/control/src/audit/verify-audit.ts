// Walks the whole chain, page by page. Run in the background at every boot, so that tampering is noticed without anybody asking.
import type { Database } from '@waystation/postgres';
import { faultOf, type Actor, type AuditRecord } from './audit-chain.js';

const PAGE = 1_000;

interface AuditRow {
  id: string;
  at: Date;
  workspace_id: string | null;
  actor: Actor;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}

export const recordOf = (row: AuditRow): AuditRecord => ({
  id: Number(row.id),
  at: row.at.getTime(),
  ...(row.workspace_id === null ? {} : { workspaceId: row.workspace_id }),
  actor: row.actor,
  action: row.action,
  subject: row.subject,
  detail: row.detail,
  previousHash: row.previous_hash,
  hash: row.hash,
});

/** The first fault of the chain, if any, and how many records hold. A cut-off end cannot be seen from inside: keep `records` elsewhere to notice it. */
export const verifyAudit = async (database: Database): Promise<{ records: number; fault: string | undefined }> => {
  let previous: AuditRecord | undefined;
  for (;;) {
    const rows = await database.query<AuditRow>('select * from audit where id > $1 order by id limit $2', [
      previous?.id ?? 0,
      PAGE,
    ]);
    for (const row of rows) {
      const record = recordOf(row);
      const fault = faultOf(record, previous);
      if (fault !== undefined) return { records: previous?.id ?? 0, fault };
      previous = record;
    }
    if (rows.length < PAGE) return { records: previous?.id ?? 0, fault: undefined };
  }
};
