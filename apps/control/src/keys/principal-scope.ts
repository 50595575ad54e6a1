// For whom a change is made: the workspace it may touch, and the key that asks, as it is now.
import { WaystationError, type Principal } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import type { Actor } from '../audit/audit-chain.js';
import { KEY_COLUMNS, type KeyRow } from './key-rows.js';

export const notFound = (what: string): WaystationError => new WaystationError('not_found', `There is no ${what}.`);

/** A service may act on any workspace, a key on its own only; others do not exist for it. */
export const requireScope = (principal: Principal, workspaceId: string, what: string): void => {
  if (principal.kind === 'key' && principal.workspaceId !== workspaceId) throw notFound(what);
};

/** The key on whose behalf this is done, as it is now; undefined for our own processes. */
export const makerOf = async (runner: QueryRunner, principal: Principal): Promise<KeyRow | undefined> => {
  if (principal.kind === 'service') return undefined;
  const [row] = await queryRows<KeyRow>(
    runner,
    `select ${KEY_COLUMNS} from keys where hash = $1 and workspace_id = $2 and deleted_at is null and not disabled and (expires_at is null or expires_at > now())`,
    [principal.keyHash ?? '', principal.workspaceId ?? ''],
  );
  if (row === undefined) throw new WaystationError('permission_denied', 'The key that asks is no longer valid.');
  if (row.kind !== 'management')
    throw new WaystationError('permission_denied', 'Only management keys can perform this operation');
  return row;
};

/** As `makerOf`, where only admins may: a key of the workspace itself, or of a member that is one. */
export const adminOf = async (runner: QueryRunner, principal: Principal): Promise<KeyRow | undefined> => {
  const maker = await makerOf(runner, principal);
  if (maker === undefined || maker.member_id === null) return maker;
  const [admin] = await queryRows(
    runner,
    `select 1 from members where id = $1 and role = 'admin' and removed_at is null`,
    [maker.member_id],
  );
  if (admin === undefined)
    throw new WaystationError(
      'permission_denied',
      'The key belongs to a member who is no admin; ask with a key of an admin, or of the workspace.',
    );
  return maker;
};

export const actorOf = ({ kind, keyHash, memberId }: Principal): Actor => ({
  kind,
  ...(keyHash === undefined ? {} : { keyHash }),
  ...(memberId === undefined ? {} : { memberId }),
});
