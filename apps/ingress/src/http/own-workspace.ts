// Keys act in their own workspace, named by id or slug. Those of an operator name others, too, where the route says so.
import { WaystationError } from '@waystation/contracts';
import type { Caller } from '../auth/caller.js';
import type { Ingress } from '../ingress.js';

const isOwn = ({ workspace }: Caller, named: unknown): boolean =>
  named === undefined || named === workspace.id || named === workspace.slug;

const notFound = (): WaystationError => new WaystationError('not_found', 'Workspace not found');

/** Another workspace's id is answered as if there were none. */
export const ownWorkspace = (caller: Caller, named: unknown): void => {
  if (!isOwn(caller, named)) throw notFound();
};

export const isOperator = ({ principal }: Caller): boolean => principal.permissions.includes('operator');

/** The id of the workspace that is meant. Another one exists for operators only. */
export const workspaceOf = ({ workspaces }: Pick<Ingress, 'workspaces'>, caller: Caller, named?: string): string => {
  if (named === undefined || isOwn(caller, named)) return caller.workspace.id;
  if (isOperator(caller) && workspaces.current.has(named)) return named;
  throw notFound();
};
