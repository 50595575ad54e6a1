// Keys act in their own workspace, named by id or slug; an operator's in any, named by id. Another one's id is answered as if there were none.
import { WaystationError } from '@waystation/contracts';
import type { Caller } from '../auth/caller.js';
import type { Ingress } from '../ingress.js';

const isOwn = ({ workspace }: Caller, named: unknown): boolean =>
  named === undefined || named === workspace.id || named === workspace.slug;

const notFound = (): WaystationError => new WaystationError('not_found', 'Workspace not found');

export const isOperator = ({ principal }: Caller): boolean => principal.permissions.includes('operator');

/** @throws WaystationError `not_found` */
export const ownWorkspace = (caller: Caller, named: unknown): void => {
  if (!isOwn(caller, named)) throw notFound();
};

/** The id of the workspace that is meant; the caller's own where none is named. @throws WaystationError `not_found` */
export const workspaceOf = (
  { workspaces }: Pick<Ingress, 'workspaces'>,
  caller: Caller,
  named: string | undefined,
): string => {
  if (isOwn(caller, named)) return caller.workspace.id;
  if (named !== undefined && isOperator(caller) && workspaces.current.has(named)) return named;
  throw notFound();
};
