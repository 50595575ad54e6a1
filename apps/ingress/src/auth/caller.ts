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
  'payments:write',
  'generations:read',
  'catalog:read',
];

/** Besides, where the operator's configuration names the key. */
const OPERATOR_PERMISSIONS: readonly string[] = ['credits:write', 'operator'];

const MINUTE_MS = 60_000;

const permissionsOf = (key: KeyEntry, runsStation: boolean): string[] => {
  if (key.kind !== 'management') return [...INFERENCE_PERMISSIONS];
  return [...MANAGEMENT_PERMISSIONS, ...(runsStation ? OPERATOR_PERMISSIONS : [])];
};

const principalOf = (key: KeyEntry, runsStation: boolean): Principal => ({
  kind: 'key',
  workspaceId: key.workspaceId,
  keyHash: key.hash,
  ...(key.memberId === undefined ? {} : { memberId: key.memberId }),
  permissions: permissionsOf(key, runsStation),
});

/** `runsStation`: the key is named as an operator's in the configuration. */
export const callerOf = (key: KeyEntry, workspace: WorkspaceEntry, runsStation: boolean): Caller => {
  let set: QuotaSet | undefined;
  let validUntilMs = 0;
  return {
    key,
    workspace,
    policyIds: [workspace.policyId, key.policyId].filter((id) => id !== undefined),
    principal: principalOf(key, runsStation),
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
