// Guardrails over the bus. Each is published as a policy of its own id; deleting one takes it from everybody first.
import { randomUUID } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  ControlGuardrailCreate,
  ControlGuardrailDelete,
  ControlGuardrailGet,
  ControlGuardrailList,
  ControlGuardrailUpdate,
  WaystationError,
  type GuardrailEntry,
  type GuardrailSettings,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Change, Changes } from '../changes/changes.js';
import { actorOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';
import { setGuardrail } from './assignments.handler.js';
import { findGuardrail, guardrailIdOf, requireUnguarded } from './find-guardrail.js';
import {
  changeRules,
  defaultGuardrailId,
  GUARDRAIL_COLUMNS,
  guardrailOf,
  type GuardrailRow,
} from './guardrail-rows.js';

type Create = z.infer<typeof ControlGuardrailCreate.request>;
type Update = z.infer<typeof ControlGuardrailUpdate.request>;
type One = z.infer<typeof ControlGuardrailGet.request>;
type List = z.infer<typeof ControlGuardrailList.request>;
type Told = Promise<{ guardrail: GuardrailEntry }>;

/** Of one workspace. */
const GUARDRAILS_MAX = 1_000;
/** So long one that was deleted is still known to the data plane, which may be far behind. */
const TOMBSTONE_DAYS = 7;

@Controller()
export class GuardrailsHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlGuardrailCreate)
  async create(request: Create): Told {
    const { principal, workspaceId, name } = request;
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      await requireUnguarded(change.runner, principal);
      await requireRoom(change.runner, workspaceId);
      const guardrail = await write(change, newRow(randomUUID(), workspaceId, name), request);
      const fact = { workspaceId, actor: actorOf(principal), action: 'guardrail.created', subject: guardrail.id };
      return { result: { guardrail }, fact: { ...fact, detail: { after: guardrail } } };
    });
  }

  @Handles(ControlGuardrailUpdate)
  async update({ principal, workspaceId, guardrailId, changes }: Update): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      await requireUnguarded(change.runner, principal);
      const isDefault = guardrailIdOf(workspaceId, guardrailId) === defaultGuardrailId(workspaceId);
      if (isDefault && changes.name !== undefined)
        throw new WaystationError('invalid_request', 'name: The guardrail of the whole workspace has no other name.', {
          details: { field: 'name' },
        });
      const before = isDefault
        ? await findOrMakeDefault(change, workspaceId)
        : await findGuardrail(change.runner, workspaceId, guardrailId);
      const guardrail = await write(change, before, changes);
      const fact = { workspaceId, actor: actorOf(principal), action: 'guardrail.updated', subject: guardrail.id };
      return { result: { guardrail }, fact: { ...fact, detail: { before: guardrailOf(before), after: guardrail } } };
    });
  }

  @Handles(ControlGuardrailDelete)
  async delete({ principal, workspaceId, guardrailId }: One): Promise<{ deleted: true }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const { runner, version, touch } = change;
      await requireUnguarded(runner, principal);
      const row = await findGuardrail(runner, workspaceId, guardrailId);
      await takeFromAll(change, row);
      await runner.query('update guardrails set deleted_at = now(), version = $2 where id = $1', [row.id, version]);
      touch('guardrail', row.id);
      await forgetOld(change);
      const fact = { workspaceId, actor: actorOf(principal), action: 'guardrail.deleted', subject: row.id };
      return { result: { deleted: true as const }, fact: { ...fact, detail: { before: guardrailOf(row) } } };
    });
  }

  @Handles(ControlGuardrailGet)
  async get({ principal, workspaceId, guardrailId }: One): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    const row = await this.reader.asWorkspace(workspaceId, (runner) => findGuardrail(runner, workspaceId, guardrailId));
    return { guardrail: guardrailOf(row) };
  }

  @Handles(ControlGuardrailList)
  async list({
    principal,
    workspaceId,
    offset,
    limit,
  }: List): Promise<{ guardrails: GuardrailEntry[]; total: number }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const rows = await queryRows<GuardrailRow>(
        runner,
        `select ${GUARDRAIL_COLUMNS} from guardrails where workspace_id = $1 and deleted_at is null order by created_at desc, id limit $2 offset $3`,
        [workspaceId, limit, offset],
      );
      return { guardrails: rows.map(guardrailOf), total: await countOf(runner, workspaceId) };
    });
  }
}

const countOf = async (runner: QueryRunner, workspaceId: string): Promise<number> => {
  const [counted] = await queryRows<{ total: string }>(
    runner,
    'select count(*) as total from guardrails where workspace_id = $1 and deleted_at is null',
    [workspaceId],
  );
  return Number(counted?.total);
};

const requireRoom = async (runner: QueryRunner, workspaceId: string): Promise<void> => {
  const [known] = await queryRows(runner, 'select 1 from workspaces where id = $1', [workspaceId]);
  if (known === undefined) throw notFound(`workspace "${workspaceId}"`);
  if ((await countOf(runner, workspaceId)) >= GUARDRAILS_MAX)
    throw new WaystationError(
      'unprocessable',
      `A workspace has at most ${GUARDRAILS_MAX} guardrails; delete one that is not needed.`,
    );
};

const newRow = (id: string, workspaceId: string, name: string): GuardrailRow => ({
  ...{ id, workspace_id: workspaceId, name, description: null },
  ...{ limit_picodollars: null, limit_reset: null, include_byok: false, rules: {} },
  ...{ created_at: new Date(), updated_at: null, deleted_at: null, version: '0' },
});

/** That of the whole workspace is there for everybody from its first change on. */
const findOrMakeDefault = async (change: Change, workspaceId: string): Promise<GuardrailRow> => {
  const { runner, version, touch } = change;
  const id = defaultGuardrailId(workspaceId);
  const [found] = await queryRows<GuardrailRow>(
    runner,
    `select ${GUARDRAIL_COLUMNS} from guardrails where id = $1 and deleted_at is null`,
    [id],
  );
  if (found !== undefined) return found;
  await requireRoom(runner, workspaceId);
  await runner.query('update workspaces set policy_id = $2, version = $3 where id = $1', [workspaceId, id, version]);
  touch('workspace', workspaceId);
  return newRow(id, workspaceId, `Everybody in ${workspaceId}`);
};

const write = async (
  { runner, version, touch }: Change,
  before: GuardrailRow,
  changes: GuardrailSettings,
): Promise<GuardrailEntry> => {
  const isNew = before.version === '0';
  const [row] = await queryRows<GuardrailRow>(
    runner,
    `insert into guardrails (id, workspace_id, name, description, limit_picodollars, limit_reset, include_byok, rules, version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (id) do update set name = excluded.name, description = excluded.description, limit_picodollars = excluded.limit_picodollars,
       limit_reset = excluded.limit_reset, include_byok = excluded.include_byok, rules = excluded.rules, version = excluded.version,
       created_at = case when $10 then now() else guardrails.created_at end,
       updated_at = case when $10 then null else now() end, deleted_at = null
     returning ${GUARDRAIL_COLUMNS}`,
    [
      before.id,
      before.workspace_id,
      changes.name ?? before.name,
      changes.description === undefined ? before.description : changes.description,
      changes.limit === undefined ? before.limit_picodollars : changes.limit,
      changes.limitReset === undefined ? before.limit_reset : changes.limitReset,
      changes.includeByok ?? before.include_byok,
      JSON.stringify(changeRules(before.rules, changes)),
      version,
      isNew,
    ],
  );
  touch('guardrail', before.id);
  return guardrailOf(row as GuardrailRow); // an insert that returns always returns its row
};

const takeFromAll = async (change: Change, { id, workspace_id: workspaceId }: GuardrailRow): Promise<void> => {
  const { runner, version, touch } = change;
  for (const to of ['key', 'member'] as const) {
    const column = to === 'key' ? 'hash' : 'id';
    const rows = await queryRows<{ subject: string }>(
      runner,
      `select ${column} as subject from ${to}s where workspace_id = $1 and policy_id = $2`,
      [workspaceId, id],
    );
    await setGuardrail(
      change,
      to,
      rows.map(({ subject }) => subject),
      undefined,
    );
  }
  const under = await queryRows(
    runner,
    'update workspaces set policy_id = null, version = $3 where id = $1 and policy_id = $2 returning 1',
    [workspaceId, id, version],
  );
  if (under.length > 0) touch('workspace', workspaceId);
};

const forgetOld = async ({ runner, touch }: Change): Promise<void> => {
  const old = await queryRows<{ id: string }>(
    runner,
    'delete from guardrails where deleted_at < now() - make_interval(days => $1) returning id',
    [TOMBSTONE_DAYS],
  );
  for (const { id } of old) touch('guardrail', id);
};
