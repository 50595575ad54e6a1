// What a caller is told whose workspace is suspended: why, and what to do about it.
import { WaystationError, type Suspension } from '@waystation/contracts';
import type { Caller } from './caller.js';

const REMEDIES: Readonly<Record<Suspension['by'], string>> = {
  billing:
    'Settle what is owed with POST /credits/topups, which stays open, and ask the operator of this station to resume it; a dispute that ends in our favour resumes it by itself.',
  operator: 'Only the operator of this station resumes it.',
};

/** Undefined where it is not suspended. */
export const refusalOfSuspended = ({ workspace }: Pick<Caller, 'workspace'>): WaystationError | undefined => {
  if (!workspace.suspended) return undefined;
  const { suspension } = workspace;
  if (suspension === undefined)
    return new WaystationError('workspace_suspended', `This workspace is suspended. ${REMEDIES.operator}`);
  const why = suspension.reason.replace(/\.$/, '');
  return new WaystationError('workspace_suspended', `This workspace is suspended: ${why}. ${REMEDIES[suspension.by]}`, {
    details: { suspension },
  });
};
