// A key acts in its own workspace only, unless it is an operator's; our own processes act in any. Foreign ids look like ids that do not exist.
import { WaystationError, type Principal } from '@waystation/contracts';

export const isOperator = ({ permissions }: Principal): boolean => permissions.includes('operator');

export const mustBeOwn = (principal: Principal, workspaceId: string): void => {
  if (principal.kind === 'service' || isOperator(principal) || principal.workspaceId === workspaceId) return;
  throw new WaystationError('not_found', `There is no workspace ${workspaceId}.`);
};
