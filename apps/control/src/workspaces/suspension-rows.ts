// The suspension of a workspace in its row: who decided it, why, and since when.
import { WaystationError, type Suspension } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { Change } from '../changes/changes.js';

export interface SuspensionColumns {
  readonly suspended: boolean;
  readonly suspended_by: string | null;
  readonly suspended_reason: string | null;
  readonly suspended_at: Date | null;
}

/** Nothing is said of a suspension that was made before reasons were kept. */
export const suspensionOf = ({
  suspended,
  suspended_by: by,
  suspended_reason: reason,
  suspended_at: since,
}: SuspensionColumns): { readonly suspension?: Suspension } =>
  suspended && (by === 'billing' || by === 'operator') && reason !== null && since !== null
    ? { suspension: { by, reason, since: since.getTime() } }
    : {};

/** @throws WaystationError `not_found` */
export const readSuspension = async ({ runner }: Change, workspaceId: string): Promise<SuspensionColumns> => {
  const [row] = await queryRows<SuspensionColumns>(
    runner,
    'select suspended, suspended_by, suspended_reason, suspended_at from workspaces where id = $1',
    [workspaceId],
  );
  if (row === undefined) throw new WaystationError('not_found', `There is no workspace "${workspaceId}".`);
  return row;
};

/** A suspension that another takes over goes on since it began. */
export const writeSuspension = async (
  change: Change,
  workspaceId: string,
  suspended: Pick<Suspension, 'by' | 'reason'> | undefined,
): Promise<SuspensionColumns> => {
  await change.runner.query(
    `update workspaces set suspended = $2, suspended_by = $3, suspended_reason = $4,
            suspended_at = case when $2 then coalesce(suspended_at, now()) end, version = $5 where id = $1`,
    [workspaceId, suspended !== undefined, suspended?.by ?? null, suspended?.reason ?? null, change.version],
  );
  change.touch('workspace', workspaceId);
  return readSuspension(change, workspaceId);
};
