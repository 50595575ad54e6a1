// Which guardrail is meant, and who may change guardrails.
import { WaystationError, type Principal } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';
import { adminOf, notFound } from '../keys/principal-scope.js';
import { defaultGuardrailId, GUARDRAIL_COLUMNS, type GuardrailRow } from './guardrail-rows.js';

const DEFAULT = 'default';

export const guardrailIdOf = (workspaceId: string, named: string): string =>
  named === DEFAULT ? defaultGuardrailId(workspaceId) : named;

/** @throws WaystationError `not_found` */
export const findGuardrail = async (runner: QueryRunner, workspaceId: string, named: string): Promise<GuardrailRow> => {
  const [row] = await queryRows<GuardrailRow>(
    runner,
    `select ${GUARDRAIL_COLUMNS} from guardrails where id = $2 and workspace_id = $1 and deleted_at is null`,
    [workspaceId, guardrailIdOf(workspaceId, named)],
  );
  if (row === undefined) throw notFound(`guardrail "${named}" in workspace "${workspaceId}"`);
  return row;
};

/** A key that a guardrail was given to could take it away from itself, or widen it. That of the whole workspace is everybody's, or nobody could change it. */
export const requireUnguarded = async (runner: QueryRunner, principal: Principal): Promise<void> => {
  const maker = await adminOf(runner, principal);
  if (maker !== undefined && (maker.policy_id !== null || maker.member_policy_id !== null))
    throw new WaystationError(
      'permission_denied',
      'The key, or its member, is under a guardrail itself and can change none; ask with a key that is not.',
    );
};
