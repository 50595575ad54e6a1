// The rules by which a workspace has models chosen for tasks. They travel with their workspace; a rule that does not compile is never kept.
import { Controller, Inject } from '@nestjs/common';
import { ControlTaskRulesGet, ControlTaskRulesPut, WaystationError, type TaskRule } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { faultOfRules } from '@waystation/tasks';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { actorOf, adminOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';

type Put = z.infer<typeof ControlTaskRulesPut.request>;
type Get = z.infer<typeof ControlTaskRulesGet.request>;
type Told = Promise<{ rules: TaskRule[] | null }>;

@Controller()
export class TaskRulesHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlTaskRulesPut)
  async put({ principal, workspaceId, rules }: Put): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    const fault = rules === null ? undefined : faultOfRules(rules);
    if (fault !== undefined) throw new WaystationError('invalid_request', fault, { details: { field: 'rules' } });
    return this.changes.commit(async ({ runner, version, touch }) => {
      await adminOf(runner, principal);
      const before = await read(runner, workspaceId);
      await runner.query('update workspaces set task_rules = $2, version = $3 where id = $1', [
        workspaceId,
        rules === null ? null : JSON.stringify(rules),
        version,
      ]);
      touch('workspace', workspaceId);
      const fact = { workspaceId, actor: actorOf(principal), action: 'task-rules.set', subject: workspaceId };
      return { result: { rules }, fact: { ...fact, detail: { before, after: rules } } };
    });
  }

  @Handles(ControlTaskRulesGet)
  async get({ principal, workspaceId }: Get): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => ({ rules: await read(runner, workspaceId) }));
  }
}

const read = async (runner: QueryRunner, workspaceId: string): Promise<TaskRule[] | null> => {
  const [row] = await queryRows<{ task_rules: TaskRule[] | null }>(
    runner,
    'select task_rules from workspaces where id = $1',
    [workspaceId],
  );
  if (row === undefined) throw notFound(`workspace "${workspaceId}"`);
  return row.task_rules;
};
