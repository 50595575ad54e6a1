// Members of a workspace over the bus. A member that is removed takes its limits and its guardrail along, and leaves its keys disabled for good.
import { randomBytes } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  ControlMemberCreate,
  ControlMemberGet,
  ControlMemberList,
  ControlMemberRemove,
  ControlMemberUpdate,
  WaystationError,
  type MemberEntry,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Change, Changes } from '../changes/changes.js';
import { actorOf, adminOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';

type Create = z.infer<typeof ControlMemberCreate.request>;
type Get = z.infer<typeof ControlMemberGet.request>;
type List = z.infer<typeof ControlMemberList.request>;
type Update = z.infer<typeof ControlMemberUpdate.request>;
type Remove = z.infer<typeof ControlMemberRemove.request>;

const ID_BYTES = 12;

interface MemberRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly email: string;
  readonly role: MemberEntry['role'];
  readonly created_at: Date;
}
const COLUMNS = 'id, workspace_id, email, role, created_at';

const memberOf = (row: MemberRow): MemberEntry => ({
  id: row.id,
  workspaceId: row.workspace_id,
  email: row.email,
  role: row.role,
  createdAt: row.created_at.getTime(),
});

@Controller()
export class MembersHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlMemberCreate)
  async create({ principal, workspaceId, email, role }: Create): Promise<{ member: MemberEntry }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async ({ runner, version }) => {
      await adminOf(runner, principal);
      const [workspace] = await queryRows(runner, 'select 1 from workspaces where id = $1', [workspaceId]);
      if (workspace === undefined) throw notFound(`workspace "${workspaceId}"`);
      const [row] = await queryRows<MemberRow>(
        runner,
        `insert into members (id, workspace_id, email, role, version) values ($1, $2, $3, $4, $5)
         on conflict (workspace_id, lower(email)) where removed_at is null do nothing returning ${COLUMNS}`,
        [`user_${randomBytes(ID_BYTES).toString('hex')}`, workspaceId, email, role, version],
      );
      if (row === undefined) throw new WaystationError('conflict', `email: ${email} is a member already.`);
      const member = memberOf(row);
      const fact = { workspaceId, actor: actorOf(principal), action: 'member.created', subject: member.id };
      return { result: { member }, fact: { ...fact, detail: { email, role } } };
    });
  }

  @Handles(ControlMemberGet)
  async get({ principal, workspaceId, memberId }: Get): Promise<{ member: MemberEntry }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return {
      member: memberOf(
        await this.reader.asWorkspace(workspaceId, (runner) => findMember(runner, workspaceId, memberId)),
      ),
    };
  }

  @Handles(ControlMemberList)
  async list({ principal, workspaceId, offset, limit }: List): Promise<{ members: MemberEntry[]; total: number }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const rows = await queryRows<MemberRow>(
        runner,
        `select ${COLUMNS} from members where workspace_id = $1 and removed_at is null order by created_at desc, id limit $2 offset $3`,
        [workspaceId, limit, offset],
      );
      const [counted] = await queryRows<{ total: string }>(
        runner,
        'select count(*) as total from members where workspace_id = $1 and removed_at is null',
        [workspaceId],
      );
      return { members: rows.map(memberOf), total: Number(counted?.total) };
    });
  }

  @Handles(ControlMemberUpdate)
  async update({ principal, workspaceId, memberId, role }: Update): Promise<{ member: MemberEntry }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async ({ runner, version }) => {
      await adminOf(runner, principal);
      const row = await findMember(runner, workspaceId, memberId);
      if (row.role === role) return { result: { member: memberOf(row) } };
      await runner.query('update members set role = $2, version = $3 where id = $1', [memberId, role, version]);
      const fact = { workspaceId, actor: actorOf(principal), action: 'member.updated', subject: memberId };
      const detail = { before: { role: row.role }, after: { role } };
      return { result: { member: memberOf({ ...row, role }) }, fact: { ...fact, detail } };
    });
  }

  @Handles(ControlMemberRemove)
  async remove({ principal, workspaceId, memberIds }: Remove): Promise<{ removed: number; disabledKeys: number }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const { runner, version, touch } = change;
      await adminOf(runner, principal);
      const members = [];
      for (const memberId of new Set(memberIds)) members.push(await findMember(runner, workspaceId, memberId));
      const ids = members.map(({ id }) => id);
      await runner.query(
        'update members set removed_at = now(), policy_id = null, policy_assigned_by = null, policy_assigned_at = null, version = $2 where id = any($1)',
        [ids, version],
      );
      const keys = await disableKeys(runner, ids, version);
      for (const { hash } of keys) touch('key', hash);
      const limits = await removeLimits(change, workspaceId, ids);
      const fact = { workspaceId, actor: actorOf(principal), action: 'members.removed', subject: ids.join(',') };
      const detail = { members: members.map(({ id, email, role }) => ({ id, email, role })), keys, limits };
      const disabledKeys = keys.filter(({ disabled }) => !disabled).length;
      return { result: { removed: ids.length, disabledKeys }, fact: { ...fact, detail } };
    });
  }
}

const findMember = async (runner: QueryRunner, workspaceId: string, memberId: string): Promise<MemberRow> => {
  const [row] = await queryRows<MemberRow>(
    runner,
    `select ${COLUMNS} from members where id = $2 and workspace_id = $1 and removed_at is null`,
    [workspaceId, memberId],
  );
  if (row === undefined) throw notFound(`member "${memberId}" in workspace "${workspaceId}"`);
  return row;
};

/** All keys of these that are not deleted, each with whether it was disabled before. */
const disableKeys = async (
  runner: QueryRunner,
  memberIds: readonly string[],
  version: number,
): Promise<{ hash: string; disabled: boolean }[]> => {
  const keys = await queryRows<{ hash: string; disabled: boolean }>(
    runner,
    'select hash, disabled from keys where member_id = any($1) and deleted_at is null order by hash',
    [memberIds],
  );
  await runner.query('update keys set disabled = true, version = $2 where hash = any($1)', [
    keys.map(({ hash }) => hash),
    version,
  ]);
  return keys;
};

/** Limits that name one of these. Answers how many there were. */
const removeLimits = async (
  { runner, version, touch }: Change,
  workspaceId: string,
  memberIds: readonly string[],
): Promise<number> => {
  const removed = await queryRows(
    runner,
    `delete from limits where workspace_id = $1 and scope = 'member' and scope_id = any($2) returning 1`,
    [workspaceId, memberIds],
  );
  if (removed.length === 0) return 0;
  await runner.query('update workspaces set version = $2 where id = $1', [workspaceId, version]);
  touch('workspace', workspaceId);
  return removed.length;
};
