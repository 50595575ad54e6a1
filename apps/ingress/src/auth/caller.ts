// Who is calling: a key with its workspace, and what follows from them. Immutable; rebuilt when either changes.
import type { KeyEntry, Principal, WorkspaceEntry } from '@waystation/contracts';
import { quotaSetOf } from '@waystation/ledger';
import { quotaSetFrom, type QuotaSet } from '../hold/lease-pool.js';

export interface Caller {
  readonly key: KeyEntry;
  readonly workspace: WorkspaceEntry;
  /** Policies that the router merges, broadest first. */
  readonly policyIds: readonly string[];
  readonly principal: Principal;
  /** The quota set of a call at this time; the same object until a window ends. */
  quotaSetAt(nowMs: number): QuotaSet;
}

const INFERENCE_PERMISSIONS: readonly string[] = ['inference', 'generations:read', 'catalog:read'];
/** `inference` lets a management key read the usage of its workspace's keys; generations are refused to it at the edge. */
const MANAGEMENT_PERMISSIONS: readonly string[] = [
  'inference',
  'keys:read',
  'keys:write',
  'workspaces:read',
  'credits:read',
  'generations:read',
  'catalog:read',
];

const MINUTE_MS = 60_000;

const principalOf = (key: KeyEntry): Principal => ({
  kind: 'key',
  workspaceId: key.workspaceId,
  keyHash: key.hash,
  ...(key.memberId === undefined ? {} : { memberId: key.memberId }),
  permissions: [...(key.kind === 'management' ? MANAGEMENT_PERMISSIONS : INFERENCE_PERMISSIONS)],
});

export const callerOf = (key: KeyEntry, workspace: WorkspaceEntry): Caller => {
  let set: QuotaSet | undefined;
  let validUntilMs = 0;
  return {
    key,
    workspace,
    policyIds: [workspace.policyId, key.policyId].filter((id) => id !== undefined),
    principal: principalOf(key),
    quotaSetAt(nowMs) {
      // Every window starts at a whole minute.
      if (set === undefined || nowMs >= validUntilMs) {
        const fresh = quotaSetFrom(key.workspaceId, key.hash, quotaSetOf(key, nowMs));
        if (fresh.id !== set?.id) set = fresh;
        validUntilMs = nowMs - (nowMs % MINUTE_MS) + MINUTE_MS;
      }
      return set ?? quotaSetFrom(key.workspaceId, key.hash, quotaSetOf(key, nowMs));
    },
  };
};
