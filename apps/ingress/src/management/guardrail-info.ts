// A guardrail and its assignments as the reference API shows them. What an assignment has left of its budget is ours.
import { uuidOfDigest, type GuardrailAssignment, type GuardrailEntry, type ZdrGroup } from '@waystation/contracts';
import type { GuardrailBudget } from '@waystation/ledger';
import { BUILTINS } from '@waystation/screening';
import { hash } from 'node:crypto';
import { optionalUsd } from '../http/send-json.js';
import { limitInfo, type LimitUse } from './limit-info.js';

const enforcesZdr = ({ zdr, zdrGroups }: GuardrailEntry, group: ZdrGroup): boolean =>
  zdr || zdrGroups?.includes(group) === true;

export const guardrailInfo = (guardrail: GuardrailEntry) => ({
  id: guardrail.id,
  workspace_id: guardrail.workspaceId,
  name: guardrail.name,
  description: guardrail.description ?? null,
  limit_usd: optionalUsd(guardrail.limit),
  reset_interval: guardrail.limitReset ?? null,
  include_byok_in_budgets: guardrail.includeByok,
  allowed_models: guardrail.allowedModels ?? null,
  ignored_models: guardrail.ignoredModels ?? null,
  allowed_providers: guardrail.allowedProviders ?? null,
  ignored_providers: guardrail.ignoredProviders ?? null,
  allowed_regions: guardrail.regions ?? null,
  enforce_zdr: guardrail.zdr,
  enforce_zdr_anthropic: enforcesZdr(guardrail, 'anthropic'),
  enforce_zdr_openai: enforcesZdr(guardrail, 'openai'),
  enforce_zdr_google: enforcesZdr(guardrail, 'google'),
  enforce_zdr_xai: enforcesZdr(guardrail, 'xai'),
  enforce_zdr_other: enforcesZdr(guardrail, 'other'),
  content_filters:
    guardrail.contentFilters?.map(({ pattern, action, label, appliesTo }) => ({
      ...{ pattern, action, label: label ?? null, applies_to: appliesTo ?? 'input' },
    })) ?? null,
  content_filter_builtins:
    guardrail.contentFilterBuiltins?.map(({ slug, action, scanScope, appliesTo }) => ({
      ...{ slug, action, label: BUILTINS[slug].placeholder },
      ...(scanScope === undefined ? {} : { scan_scope: scanScope }),
      applies_to: appliesTo ?? 'input',
    })) ?? null,
  created_at: new Date(guardrail.createdAt).toISOString(),
  updated_at: guardrail.updatedAt === undefined ? null : new Date(guardrail.updatedAt).toISOString(),
});

/** A budget of a guardrail in the form of a limit. */
export const budgetInfo = ({ guardrailId, budget }: GuardrailBudget, use: LimitUse | undefined) =>
  limitInfo({ scope: 'guardrail', scopeId: guardrailId, metric: 'usd', ...budget }, use);

export const assignmentInfo = (
  { guardrailId, to, subjectId, name, label, assignedBy, assignedAt }: GuardrailAssignment,
  workspaceId: string,
  budget: ReturnType<typeof budgetInfo> | null,
) => ({
  // One of them has at most one, so that whose it is names it.
  id: uuidOfDigest(hash('sha256', JSON.stringify(['assignment', workspaceId, to, subjectId]), 'hex')),
  guardrail_id: guardrailId,
  ...(to === 'key'
    ? { key_hash: subjectId, key_name: name ?? '', key_label: label ?? '' }
    : { user_id: subjectId, organization_id: workspaceId }),
  assigned_by: assignedBy ?? null,
  created_at: new Date(assignedAt).toISOString(),
  budget,
});
