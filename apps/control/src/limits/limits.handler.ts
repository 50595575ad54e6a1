// Limits of a workspace over the bus. They travel with their workspace to the data plane; what is spent of them only billing knows.
import { Controller, Inject } from '@nestjs/common';
import {
  ControlLimitDelete,
  ControlLimitList,
  ControlLimitPut,
  WaystationError,
  type LimitSpec,
  type Principal,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Change, Changes } from '../changes/changes.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';
import { actorOf, adminOf, notFound, requireScope } from '../keys/principal-scope.js';
import { limitKey, problemOfLimits } from './check-limits.js';
import { LIMIT_COLUMNS, limitOf, type LimitRow } from './limit-rows.js';

type Put = z.infer<typeof ControlLimitPut.request>;
type Delete = z.infer<typeof ControlLimitDelete.request>;
type List = z.infer<typeof ControlLimitList.request>;
type Listed = z.infer<typeof ControlLimitList.reply>;

@Controller()
export class LimitsHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlLimitPut)
  async put({ principal, workspaceId, limits }: Put): Promise<Listed> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const before = await readOwn(change.runner, principal, workspaceId);
      const set = new Map(limits.map((spec) => [limitKey(spec), spec]));
      const after = [...before.filter((spec) => !set.has(limitKey(spec))), ...limits];
      const problem = problemOfLimits(limits, after);
      if (problem !== undefined) throw new WaystationError('invalid_request', `limits: ${problem}.`);
      await requireSubjects(change.runner, workspaceId, limits);
      await upsert(change.runner, workspaceId, limits);
      await publish(change, workspaceId);
      return {
        result: await readListed(change.runner, workspaceId),
        fact: {
          workspaceId,
          actor: actorOf(principal),
          action: 'limits.set',
          subject: workspaceId,
          detail: { before: before.filter((spec) => set.has(limitKey(spec))), after: limits },
        },
      };
    });
  }

  @Handles(ControlLimitDelete)
  async delete({ principal, workspaceId, limit }: Delete): Promise<Listed> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const before = await readOwn(change.runner, principal, workspaceId);
      const removed = before.find((spec) => limitKey(spec) === limitKey(limit));
      if (removed === undefined) throw notFound('such limit');
      await change.runner.query(
        'delete from limits where workspace_id = $1 and scope = $2 and scope_id = $3 and metric = $4 and limit_window = $5 and free_only = $6',
        [workspaceId, limit.scope, limit.scopeId ?? '', limit.metric, limit.window, limit.freeOnly ?? false],
      );
      await publish(change, workspaceId);
      return {
        result: await readListed(change.runner, workspaceId),
        fact: {
          workspaceId,
          actor: actorOf(principal),
          action: 'limits.removed',
          subject: workspaceId,
          detail: { before: removed },
        },
      };
    });
  }

  @Handles(ControlLimitList)
  async list({ principal, workspaceId }: List): Promise<Listed> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, (runner) => readListed(runner, workspaceId));
  }
}

const readListed = async (runner: QueryRunner, workspaceId: string): Promise<Listed> => {
  const rows = await queryRows<LimitRow>(
    runner,
    `select ${LIMIT_COLUMNS} from limits where workspace_id = $1 order by scope, scope_id, metric, limit_window, free_only`,
    [workspaceId],
  );
  return {
    limits: rows.map((row) => ({
      ...limitOf(row),
      createdAt: Number(row.created_at_ms),
      updatedAt: Number(row.updated_at_ms),
    })),
  };
};

/** The limits that the principal may change. */
const readOwn = async (runner: QueryRunner, principal: Principal, workspaceId: string): Promise<LimitSpec[]> => {
  await adminOf(runner, principal);
  const [known] = await queryRows(runner, 'select 1 from workspaces where id = $1', [workspaceId]);
  if (known === undefined) throw notFound(`workspace "${workspaceId}"`);
  const rows = await queryRows<LimitRow>(runner, `select ${LIMIT_COLUMNS} from limits where workspace_id = $1`, [
    workspaceId,
  ]);
  return rows.map(limitOf);
};

/** Members and keys that are named must be there; end users and tags are whatever callers say. */
const requireSubjects = async (
  runner: QueryRunner,
  workspaceId: string,
  limits: readonly LimitSpec[],
): Promise<void> => {
  const named = (scope: LimitSpec['scope']): string[] =>
    limits.flatMap((spec) => (spec.scope === scope && spec.scopeId !== undefined ? [spec.scopeId] : []));
  const missing = await queryRows<{ kind: string; id: string }>(
    runner,
    `select 'member' as kind, id from unnest($2::text[]) as id where not exists (select 1 from members where members.id = id.id and workspace_id = $1 and removed_at is null)
     union all
     select 'key' as kind, id from unnest($3::text[]) as id where not exists (select 1 from keys where hash = id.id and workspace_id = $1 and deleted_at is null)
     limit 1`,
    [workspaceId, named('member'), named('key')],
  );
  const [first] = missing;
  if (first !== undefined) throw notFound(`${first.kind} "${first.id}" in workspace "${workspaceId}"`);
};

const upsert = async (runner: QueryRunner, workspaceId: string, limits: readonly LimitSpec[]): Promise<void> => {
  await runner.query(
    `insert into limits (workspace_id, scope, scope_id, metric, limit_window, free_only, amount, include_byok)
     select $1, scope, scope_id, metric, limit_window, free_only, amount, include_byok
       from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::numeric[], $8::boolean[])
         as l (scope, scope_id, metric, limit_window, free_only, amount, include_byok)
     on conflict (workspace_id, scope, scope_id, metric, limit_window, free_only)
       do update set amount = excluded.amount, include_byok = excluded.include_byok, updated_at = now()`,
    [
      workspaceId,
      limits.map(({ scope }) => scope),
      limits.map(({ scopeId }) => scopeId ?? ''),
      limits.map(({ metric }) => metric),
      limits.map(({ window }) => window),
      limits.map(({ freeOnly }) => freeOnly ?? false),
      limits.map(({ limit }) => limit),
      limits.map(({ includeByok }) => includeByok ?? false),
    ],
  );
};

const publish = async ({ runner, version, touch }: Change, workspaceId: string): Promise<void> => {
  await runner.query('update workspaces set version = $2 where id = $1', [workspaceId, version]);
  touch('workspace', workspaceId);
};
