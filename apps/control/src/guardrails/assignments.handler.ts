// Who has which guardrail. A key has at most one, and so has a member, whose keys are told of it.
import { Controller, Inject } from '@nestjs/common';
import { ControlGuardrailAssign, ControlGuardrailAssignments, type GuardrailAssignment } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Change, Changes } from '../changes/changes.js';
import { actorOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';
import { findGuardrail, requireUnguarded } from './find-guardrail.js';

type Assign = z.infer<typeof ControlGuardrailAssign.request>;
type List = z.infer<typeof ControlGuardrailAssignments.request>;
type To = GuardrailAssignment['to'];

interface AssignmentRow {
  readonly policy_id: string;
  readonly subject: string;
  readonly name: string | null;
  readonly label: string | null;
  readonly assigned_by: string | null;
  readonly assigned_at: Date;
}

/** Of each kind of those that may have one: table, id, who is there, and what is told of it. */
const KINDS = {
  key: { table: 'keys', id: 'hash', there: 'deleted_at is null', told: 'name, label' },
  member: { table: 'members', id: 'id', there: 'removed_at is null', told: 'null as name, null as label' },
} as const;

@Controller()
export class AssignmentsHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlGuardrailAssign)
  async assign({
    principal,
    workspaceId,
    guardrailId,
    to,
    subjectIds,
    assigned,
  }: Assign): Promise<{ changed: number }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      await requireUnguarded(change.runner, principal);
      const { id } = await findGuardrail(change.runner, workspaceId, guardrailId);
      const before = await findSubjects(change.runner, workspaceId, to, subjectIds);
      const concerned = [...before]
        .filter(([, policyId]) => (policyId === id) !== assigned)
        .map(([subject]) => subject);
      if (concerned.length === 0) return { result: { changed: 0 } };
      await setGuardrail(change, to, concerned, assigned ? { id, by: principal.memberId } : undefined);
      const action = assigned ? 'guardrail.assigned' : 'guardrail.unassigned';
      const instead = concerned.map((subject) => ({ [to]: subject, before: before.get(subject) ?? null }));
      const fact = { workspaceId, actor: actorOf(principal), action, subject: id };
      return { result: { changed: concerned.length }, fact: { ...fact, detail: { to, subjects: instead } } };
    });
  }

  @Handles(ControlGuardrailAssignments)
  async list(request: List): Promise<{ assignments: GuardrailAssignment[]; total: number }> {
    const { principal, workspaceId, guardrailId, to, offset, limit } = request;
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const of = guardrailId === undefined ? null : (await findGuardrail(runner, workspaceId, guardrailId)).id;
      const { table, id, there, told } = KINDS[to];
      const from = `from ${table} where workspace_id = $1 and ${there} and policy_id is not null and ($2::text is null or policy_id = $2)`;
      const rows = await queryRows<AssignmentRow>(
        runner,
        `select policy_id, ${id} as subject, ${told}, policy_assigned_by as assigned_by, coalesce(policy_assigned_at, created_at) as assigned_at ${from}
          order by assigned_at desc, subject limit $3 offset $4`,
        [workspaceId, of, limit, offset],
      );
      const [counted] = await queryRows<{ total: string }>(runner, `select count(*) as total ${from}`, [
        workspaceId,
        of,
      ]);
      return { assignments: rows.map((row) => assignmentOf(to, row)), total: Number(counted?.total) };
    });
  }
}

const assignmentOf = (to: To, row: AssignmentRow): GuardrailAssignment => ({
  guardrailId: row.policy_id,
  to,
  subjectId: row.subject,
  ...(row.name === null ? {} : { name: row.name }),
  ...(row.label === null ? {} : { label: row.label }),
  ...(row.assigned_by === null ? {} : { assignedBy: row.assigned_by }),
  assignedAt: row.assigned_at.getTime(),
});

/** Each of them with the guardrail that it has. @throws WaystationError `not_found` where one is not there */
const findSubjects = async (
  runner: QueryRunner,
  workspaceId: string,
  to: To,
  subjectIds: readonly string[],
): Promise<Map<string, string | null>> => {
  const { table, id, there } = KINDS[to];
  const rows = await queryRows<{ subject: string; policy_id: string | null }>(
    runner,
    `select ${id} as subject, policy_id from ${table} where workspace_id = $1 and ${there} and ${id} = any($2) order by ${id}`,
    [workspaceId, subjectIds],
  );
  const found = new Map(rows.map((row) => [row.subject, row.policy_id]));
  const missing = subjectIds.find((subject) => !found.has(subject));
  if (missing !== undefined) throw notFound(`${to} "${missing}" in workspace "${workspaceId}"`);
  return found;
};

/** Gives these a guardrail in the place of any other, or none. */
export const setGuardrail = async (
  { runner, version, touch }: Change,
  to: To,
  subjectIds: readonly string[],
  given: { readonly id: string; readonly by: string | undefined } | undefined,
): Promise<void> => {
  const { table, id } = KINDS[to];
  await runner.query(
    `update ${table} set policy_id = $2, policy_assigned_by = $3, policy_assigned_at = case when $2::text is null then null else now() end, version = $4
      where ${id} = any($1)`,
    [subjectIds, given?.id ?? null, given?.by ?? null, version],
  );
  const hashes = to === 'key' ? subjectIds : await keysOf(runner, subjectIds, version);
  for (const hash of hashes) touch('key', hash);
};

const keysOf = async (runner: QueryRunner, memberIds: readonly string[], version: number): Promise<string[]> => {
  const keys = await queryRows<{ hash: string }>(
    runner,
    'update keys set version = $2 where member_id = any($1) and deleted_at is null returning hash',
    [memberIds, version],
  );
  return keys.map(({ hash }) => hash);
};
