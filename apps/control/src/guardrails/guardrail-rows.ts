// Guardrails as rows, as the API tells of them, and as the policies that the data plane applies.
import { createHash } from 'node:crypto';
import {
  uuidOfDigest,
  ZDR_GROUPS,
  type GuardrailEntry,
  type GuardrailSettings,
  type PolicyEntry,
} from '@waystation/contracts';

export interface GuardrailRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly limit_picodollars: string | null;
  readonly limit_reset: 'daily' | 'weekly' | 'monthly' | null;
  readonly include_byok: boolean;
  readonly rules: GuardrailRules;
  readonly created_at: Date;
  readonly updated_at: Date | null;
  readonly deleted_at: Date | null;
  readonly version: string;
}

/** What restricts besides the budget. */
export type GuardrailRules = Pick<
  PolicyEntry,
  | 'allowedModels'
  | 'ignoredModels'
  | 'allowedProviders'
  | 'ignoredProviders'
  | 'regions'
  | 'contentFilters'
  | 'contentFilterBuiltins'
  | 'zdr'
  | 'zdrGroups'
>;

/** Amounts as text: JSON numbers are not exact. */
export const GUARDRAIL_COLUMNS =
  'id, workspace_id, name, description, limit_picodollars::text as limit_picodollars, limit_reset, include_byok, rules, created_at, updated_at, deleted_at, version';

/** The one of everybody in a workspace: its id follows from the workspace, whether it is there or not. */
export const defaultGuardrailId = (workspaceId: string): string =>
  uuidOfDigest(createHash('sha256').update(`guardrail of ${workspaceId}`).digest('hex'));

export const guardrailOf = (row: GuardrailRow): GuardrailEntry => {
  const { zdr, ...lists } = row.rules;
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    isDefault: row.id === defaultGuardrailId(row.workspace_id),
    name: row.name,
    ...(row.description === null ? {} : { description: row.description }),
    ...(row.limit_picodollars === null ? {} : { limit: row.limit_picodollars }),
    ...(row.limit_reset === null ? {} : { limitReset: row.limit_reset }),
    includeByok: row.include_byok,
    ...lists,
    zdr: zdr ?? false,
    createdAt: row.created_at.getTime(),
    ...(row.updated_at === null ? {} : { updatedAt: row.updated_at.getTime() }),
  };
};

const WINDOW_OF_RESET = { daily: 'day', weekly: 'week', monthly: 'month' } as const;

/** One that was deleted restricts nothing any more. */
export const policyOfGuardrail = (row: GuardrailRow): PolicyEntry => {
  const policy = { v: 1 as const, version: Number(row.version), id: row.id };
  if (row.deleted_at !== null) return policy;
  if (row.limit_picodollars === null) return { ...policy, ...row.rules };
  const window = row.limit_reset === null ? 'lifetime' : WINDOW_OF_RESET[row.limit_reset];
  return { ...policy, ...row.rules, budget: { limit: row.limit_picodollars, window, includeByok: row.include_byok } };
};

const REPLACED = [
  'allowedModels',
  'ignoredModels',
  'allowedProviders',
  'ignoredProviders',
  'regions',
  'contentFilters',
  'contentFilterBuiltins',
] as const satisfies (keyof GuardrailRules)[];

const retentionAfter = (
  before: GuardrailRules,
  changes: GuardrailSettings['zdr'],
): Pick<GuardrailRules, 'zdr' | 'zdrGroups'> => {
  const groups = ZDR_GROUPS.filter(
    (group) => changes?.[group] ?? (before.zdr === true || before.zdrGroups?.includes(group) === true),
  );
  if (groups.length === 0) return {};
  return groups.length === ZDR_GROUPS.length ? { zdr: true } : { zdrGroups: groups };
};

/** The restrictions after a change: a list that is set replaces the one before, null takes it away. */
export const changeRules = (before: GuardrailRules, changes: GuardrailSettings): GuardrailRules => {
  const rules: GuardrailRules = retentionAfter(before, changes.zdr);
  for (const name of REPLACED) {
    const value = changes[name] === undefined ? before[name] : changes[name];
    if (value !== undefined && value !== null) Object.assign(rules, { [name]: value });
  }
  return rules;
};
