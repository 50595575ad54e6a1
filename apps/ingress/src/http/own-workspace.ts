// Keys act in their own workspace, named by id or slug.
import { WaystationError } from '@waystation/contracts';
import type { Caller } from '../auth/caller.js';

/** Another workspace's id is answered as if there were none. */
export const ownWorkspace = (caller: Caller, named: unknown): void => {
  if (named !== undefined && named !== caller.workspace.id && named !== caller.workspace.slug)
    throw new WaystationError('not_found', 'Workspace not found');
};
