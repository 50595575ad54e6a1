// Budgets of guardrails as quotas. A guardrail gives a budget to each of whom it is assigned to, and never one for all of them together: of a key it counts what the
// key spends, of a member what all keys of the member spend. That of the whole workspace counts for each member, and for each key that belongs to none.
import type { KeyEntry, PolicyEntry, QuotaRef, WorkspaceEntry } from '@waystation/contracts';
import { windowStart } from './quota-window.js';

export interface GuardrailBudget {
  readonly guardrailId: string;
  readonly subject: NonNullable<QuotaRef['subject']>;
  readonly budget: NonNullable<PolicyEntry['budget']>;
}

/** Of the guardrails that a key is under, those with a budget. `policyOf` may throw. */
export const guardrailBudgetsOf = (
  key: Pick<KeyEntry, 'hash' | 'memberId' | 'memberPolicyId' | 'policyId'>,
  workspace: Pick<WorkspaceEntry, 'policyId'>,
  policyOf: (id: string) => PolicyEntry,
): GuardrailBudget[] => {
  const ofKey = { scope: 'key', id: key.hash } as const;
  const ofMember = key.memberId === undefined ? undefined : ({ scope: 'member', id: key.memberId } as const);
  const assigned = [
    { id: workspace.policyId, subject: ofMember ?? ofKey },
    { id: key.memberPolicyId, subject: ofMember },
    { id: key.policyId, subject: ofKey },
  ];
  const budgets = new Map<string, GuardrailBudget>();
  for (const { id, subject } of assigned) {
    if (id === undefined || subject === undefined) continue;
    const { budget } = policyOf(id);
    // Assigned twice to the same is assigned once.
    if (budget !== undefined) budgets.set(`${subject.scope} ${id}`, { guardrailId: id, subject, budget });
  }
  return [...budgets.values()];
};

/** `hash`: text to a short token, as collision-free as SHA-256. */
export const quotaOfGuardrail = (
  { guardrailId, subject, budget }: GuardrailBudget,
  workspaceId: string,
  nowMs: number,
  hash: (text: string) => string,
): QuotaRef => {
  const { limit, window, includeByok } = budget;
  const start = windowStart(window, nowMs);
  const whose = hash(JSON.stringify([workspaceId, guardrailId, subject.id]));
  return {
    id: `guardrail:${subject.scope}:${whose}:usd:${window}:${start}`,
    scope: 'guardrail',
    scopeId: guardrailId,
    metric: 'usd',
    window,
    windowStart: start,
    limit,
    includeByok,
    subject,
  };
};
