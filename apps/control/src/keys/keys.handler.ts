// Management of api keys. Another workspace's key does not exist for a caller, and no key makes or changes one into something wider than itself.
import { createHash, randomBytes } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  apiKeyLabel,
  ControlKeyCreate,
  ControlKeyDelete,
  ControlKeyList,
  ControlKeyUpdate,
  newApiKey,
  WaystationError,
  type KeyEntry,
  type Principal,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';
import { KEY_COLUMNS, keyEntryOf, type KeyRow } from './key-rows.js';
import { actorOf, makerOf, notFound, requireScope } from './principal-scope.js';
import { widerThan, type Allowance } from './wider-than.js';

type Create = z.infer<typeof ControlKeyCreate.request>;
type Update = z.infer<typeof ControlKeyUpdate.request>;
type Delete = z.infer<typeof ControlKeyDelete.request>;
type List = z.infer<typeof ControlKeyList.request>;

/** As the reference API pages. */
const PAGE = 100;

@Controller()
export class KeysHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlKeyCreate)
  async create(request: Create): Promise<{ key: string; entry: KeyEntry }> {
    const { principal, workspaceId } = request;
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    requireFuture(request.expiresAt);
    const key = newApiKey(randomBytes);
    return this.changes.commit(async ({ runner, version, touch }) => {
      const maker = await makerOf(runner, principal);
      await requireExisting(runner, workspaceId, request.memberId);
      const memberId = request.memberId ?? maker?.member_id ?? undefined;
      const policyId = maker?.policy_id ?? undefined;
      const allowance: Allowance = {
        kind: request.kind,
        limit: request.limit ?? undefined,
        limitReset: request.limitReset ?? undefined,
        expiresAt: request.expiresAt ?? undefined,
        memberId,
        policyId,
      };
      requireNotWider(maker, allowance);
      const [row] = await queryRows<KeyRow>(
        runner,
        `insert into keys (hash, workspace_id, member_id, label, name, kind, expires_at, limit_picodollars, limit_reset, include_byok_in_limit, policy_id, policy_assigned_by, policy_assigned_at, version)
         values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8, $9, $10, $11, $12, case when $11::text is null then null else now() end, $13) returning ${KEY_COLUMNS}`,
        [
          hashKey(key),
          workspaceId,
          memberId ?? null,
          apiKeyLabel(key),
          request.name,
          request.kind,
          request.expiresAt ?? null,
          request.limit ?? null,
          request.limitReset ?? null,
          request.includeByokInLimit ?? false,
          policyId ?? null,
          policyId === undefined ? null : (principal.memberId ?? null),
          version,
        ],
      );
      const entry = keyEntryOf(row as KeyRow); // an insert that returns always returns its row
      touch('key', entry.hash);
      return {
        result: { key, entry },
        fact: {
          workspaceId,
          actor: actorOf(principal),
          action: 'key.created',
          subject: entry.hash,
          detail: settingsOf(entry),
        },
      };
    });
  }

  @Handles(ControlKeyUpdate)
  async update(request: Update): Promise<{ entry: KeyEntry }> {
    const { principal, hash } = request;
    return this.changes.commit(async ({ runner, version, touch }) => {
      const maker = await makerOf(runner, principal);
      const row = await findKey(runner, principal, hash);
      const before = keyEntryOf(row);
      const after: KeyRow = {
        ...row,
        name: request.name ?? row.name,
        disabled: request.disabled ?? row.disabled,
        limit_picodollars: request.limit === undefined ? row.limit_picodollars : request.limit,
        limit_reset: request.limitReset === undefined ? row.limit_reset : request.limitReset,
        include_byok_in_limit: request.includeByokInLimit ?? row.include_byok_in_limit,
        version: String(version),
      };
      // Taking away is always allowed; what the key may do afterwards must fit into what its changer may.
      if (request.limit !== undefined || request.limitReset !== undefined || request.disabled === false)
        requireNotWider(maker, allowanceOf(after));
      if (request.disabled === false) await requireMemberThere(runner, row);
      await runner.query(
        'update keys set name = $2, disabled = $3, limit_picodollars = $4, limit_reset = $5, include_byok_in_limit = $6, version = $7 where hash = $1',
        [
          hash,
          after.name,
          after.disabled,
          after.limit_picodollars,
          after.limit_reset,
          after.include_byok_in_limit,
          version,
        ],
      );
      touch('key', hash);
      const entry = keyEntryOf(after);
      return {
        result: { entry },
        fact: {
          workspaceId: row.workspace_id,
          actor: actorOf(principal),
          action: 'key.updated',
          subject: hash,
          detail: { before: settingsOf(before), after: settingsOf(entry) },
        },
      };
    });
  }

  @Handles(ControlKeyDelete)
  async delete({ principal, hash }: Delete): Promise<{ deleted: true }> {
    return this.changes.commit(async ({ runner, version, touch }) => {
      await makerOf(runner, principal);
      const row = await findKey(runner, principal, hash);
      await runner.query('update keys set deleted_at = now(), version = $2 where hash = $1', [hash, version]);
      touch('key', hash);
      return {
        result: { deleted: true as const },
        fact: {
          workspaceId: row.workspace_id,
          actor: actorOf(principal),
          action: 'key.deleted',
          subject: hash,
          detail: settingsOf(keyEntryOf(row)),
        },
      };
    });
  }

  @Handles(ControlKeyList)
  async list({ principal, workspaceId, includeDisabled, offset }: List): Promise<{ keys: KeyEntry[] }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    const rows = await this.reader.asWorkspace(workspaceId, (runner) =>
      queryRows<KeyRow>(
        runner,
        `select ${KEY_COLUMNS} from keys where deleted_at is null and ($1 or not disabled) order by created_at desc, hash limit $2 offset $3`,
        [includeDisabled ?? false, PAGE, offset ?? 0],
      ),
    );
    return { keys: rows.map(keyEntryOf) };
  }
}

export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

const requireFuture = (expiresAt: number | null | undefined): void => {
  if (expiresAt !== undefined && expiresAt !== null && expiresAt <= Date.now())
    throw new WaystationError('invalid_request', 'expires_at lies in the past.');
};

const requireExisting = async (
  runner: QueryRunner,
  workspaceId: string,
  memberId: string | undefined,
): Promise<void> => {
  const [found] = await queryRows<{ workspace: boolean; member: boolean }>(
    runner,
    'select exists(select 1 from workspaces where id = $1) as workspace, exists(select 1 from members where id = $2 and workspace_id = $1 and removed_at is null) as member',
    [workspaceId, memberId ?? null],
  );
  if (found?.workspace !== true) throw notFound(`workspace "${workspaceId}"`);
  if (memberId !== undefined && !found.member) throw notFound(`member "${memberId}" in workspace "${workspaceId}"`);
};

/** Removing a member disabled its keys; nobody enables them again. */
const requireMemberThere = async (runner: QueryRunner, { member_id: memberId }: KeyRow): Promise<void> => {
  if (memberId === null) return;
  const [member] = await queryRows(runner, 'select 1 from members where id = $1 and removed_at is null', [memberId]);
  if (member === undefined)
    throw new WaystationError(
      'unprocessable',
      `disabled: The key belongs to member "${memberId}", who was removed; make another key.`,
      { details: { field: 'disabled' } },
    );
};

const findKey = async (runner: QueryRunner, principal: Principal, hash: string): Promise<KeyRow> => {
  const [row] = await queryRows<KeyRow>(
    runner,
    `select ${KEY_COLUMNS} from keys where hash = $1 and deleted_at is null`,
    [hash],
  );
  if (row === undefined) throw notFound('such key');
  requireScope(principal, row.workspace_id, 'such key');
  return row;
};

const allowanceOf = (row: KeyRow): Allowance => ({
  kind: row.kind,
  limit: row.limit_picodollars ?? undefined,
  limitReset: row.limit_reset ?? undefined,
  expiresAt: row.expires_at?.getTime(),
  memberId: row.member_id ?? undefined,
  policyId: row.policy_id ?? undefined,
});

const requireNotWider = (maker: KeyRow | undefined, allowance: Allowance): void => {
  const reason = maker === undefined ? undefined : widerThan(allowanceOf(maker), allowance);
  if (reason !== undefined) throw new WaystationError('permission_denied', `The key cannot be made so: ${reason}.`);
};

/** What of a key is worth recording: its settings. */
const settingsOf = ({
  name,
  label,
  kind,
  disabled,
  limit,
  limitReset,
  expiresAt,
  includeByokInLimit,
  memberId,
}: KeyEntry): Record<string, unknown> => ({
  name,
  label,
  kind,
  disabled,
  limit,
  limitReset,
  expiresAt,
  includeByokInLimit,
  memberId,
});
