// A key acts in its own workspace only; our own processes act in any. Foreign ids look like ids that do not exist.
import { WaystationError, type Principal } from '@waystation/contracts';

export const mustBeOwn = (principal: Principal, workspaceId: string): void => {
  if (principal.kind === 'service' || principal.workspaceId === workspaceId) return;
  throw new WaystationError('not_found', `There is no workspace ${workspaceId}.`);
};
