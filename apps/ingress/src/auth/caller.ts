// Who is calling: a key with its workspace and its guardrails, and what follows from them. Immutable; rebuilt when any of them changes.
import { hash } from 'node:crypto';
import {
  WaystationError,
  type KeyEntry,
  type PolicyEntry,
  type Principal,
  type WorkspaceEntry,
} from '@waystation/contracts';
import {
  QUOTAS_PER_CALL_MAX,
  dependsOnCall,
  guardrailBudgetsOf,
  quotaSetOf,
  type GuardrailBudget,
  type QuotaSubjects,
} from '@waystation/ledger';
import { contentFiltersOf, type ContentFilters } from '@waystation/screening';
import { quotaSetFrom, type QuotaSet } from '../hold/lease-pool.js';

export interface Caller {
  readonly key: KeyEntry;
  readonly workspace: WorkspaceEntry;
  /** Policies that the router merges, broadest first. */
  readonly policyIds: readonly string[];
  readonly principal: Principal;
  /** The same as they are now; undefined while one of them is not known here. */
  readonly policies: readonly PolicyEntry[] | undefined;
  /** Budgets of the guardrails that the key is under. @throws WaystationError `snapshot_stale` while one of them is not known here */
  guardrailBudgets(): readonly GuardrailBudget[];
  /** Content filters of the guardrails that the key is under; undefined where there are none. @throws WaystationError `snapshot_stale` while one of them is not known here */
  contentFilters(): ContentFilters | undefined;
  /** The quota set of a call at this time; the same object until a window ends, where no limit asks for more than the key. */
  quotaSetFor(call: () => CallSubjects, nowMs: number): QuotaSet;
}

/** What of a call limits may ask for, beside its key. */
export type CallSubjects = Pick<QuotaSubjects, 'endUserId' | 'tags' | 'free'>;

const INFERENCE_PERMISSIONS: readonly string[] = ['inference', 'generations:read', 'catalog:read'];
/** `inference` lets a management key read the usage of its workspace's keys; generations are refused to it at the edge. */
const MANAGEMENT_PERMISSIONS: readonly string[] = [
  'inference',
  'keys:read',
  'keys:write',
  'workspaces:read',
  'workspaces:write',
  'members:read',
  'members:write',
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

const QUOTA_TOKEN_CHARACTERS = 32;
/** Text as a token of a quota's id. */
export const quotaToken = (text: string): string => hash('sha256', text, 'hex').slice(0, QUOTA_TOKEN_CHARACTERS);

/** A guardrail whose budget nobody here knows must not be passed over. */
/** @throws WaystationError `snapshot_stale`: nobody gets more than is allowed because a policy is late */
export const knownPolicy = (policies: ReadonlyMap<string, PolicyEntry>, id: string): PolicyEntry => {
  const policy = policies.get(id);
  if (policy === undefined)
    throw new WaystationError('snapshot_stale', `Guardrail ${id} has not arrived here yet. Try again in a moment.`, {
      retryAfterMs: 1_000,
    });
  return policy;
};

/** `runsStation`: the key is named as an operator's in the configuration. `policies`: as they are now, by id. */
export const callerOf = (
  key: KeyEntry,
  workspace: WorkspaceEntry,
  runsStation: boolean,
  policies: ReadonlyMap<string, PolicyEntry>,
): Caller => {
  // Not before it is asked for: who manages must get in, whatever is the matter with a guardrail.
  const guardrailBudgets = (): GuardrailBudget[] =>
    guardrailBudgetsOf(key, workspace, (id) => knownPolicy(policies, id));
  const limits = workspace.limits ?? [];
  const sameForAll = !limits.some(dependsOnCall);
  let set: QuotaSet | undefined;
  let validUntilMs = 0;

  const newSet = (call: () => CallSubjects, nowMs: number): QuotaSet => {
    const quotas = quotaSetOf({ key, limits, guardrails: guardrailBudgets(), ...call() }, nowMs, quotaToken);
    if (quotas.length > QUOTAS_PER_CALL_MAX) {
      throw new WaystationError(
        'unprocessable',
        `${quotas.length} limits meet this call; at most ${QUOTAS_PER_CALL_MAX} can. Remove some of the workspace, or send fewer tags.`,
      );
    }
    return quotaSetFrom(key.workspaceId, key.hash, quotas);
  };

  const policyIds = [...new Set([workspace.policyId, key.memberPolicyId, key.policyId])].filter(
    (id) => id !== undefined,
  );
  const known = policyIds.map((id) => policies.get(id)).filter((policy) => policy !== undefined);

  let filters: { readonly of: ContentFilters | undefined } | undefined;

  return {
    key,
    workspace,
    policyIds,
    policies: known.length === policyIds.length ? known : undefined,
    principal: principalOf(key, runsStation),
    guardrailBudgets,
    contentFilters() {
      filters ??= { of: contentFiltersOf(policyIds.map((id) => knownPolicy(policies, id))) };
      return filters.of;
    },
    quotaSetFor(call, nowMs) {
      if (!sameForAll) return newSet(call, nowMs);
      // Every window starts at a whole minute.
      if (set === undefined || nowMs >= validUntilMs) {
        const fresh = newSet(call, nowMs);
        if (fresh.id !== set?.id) set = fresh;
        validUntilMs = nowMs - (nowMs % MINUTE_MS) + MINUTE_MS;
      }
      return set ?? newSet(call, nowMs);
    },
  };
};
