// A key as the reference API shows it: the record of control, the usage of billing.
import type { BillingKeyUsage, KeyEntry } from '@waystation/contracts';
import type { z } from 'zod';
import { optionalUsd, usd } from '../http/send-json.js';

export type KeyUsage = z.infer<typeof BillingKeyUsage.reply>['keys'][number];

type Sums = KeyUsage['usage'];
const NONE: Sums = { total: '0', daily: '0', weekly: '0', monthly: '0' };

/** What a limit with this reset counts of it now, in picodollars. */
export const usedInWindow = (
  known: KeyUsage | undefined,
  reset: KeyEntry['limitReset'] | null,
  includeByok: boolean,
): bigint => {
  const { usage, byokUsage } = known ?? { usage: NONE, byokUsage: NONE };
  const window = reset ?? 'total';
  return BigInt(usage[window]) + (includeByok ? BigInt(byokUsage[window]) : 0n);
};

const isoOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

const usageFields = (known: KeyUsage | undefined) => {
  const { usage, byokUsage } = known ?? { usage: NONE, byokUsage: NONE };
  return {
    usage: usd(usage.total),
    usage_daily: usd(usage.daily),
    usage_weekly: usd(usage.weekly),
    usage_monthly: usd(usage.monthly),
    byok_usage: usd(byokUsage.total),
    byok_usage_daily: usd(byokUsage.daily),
    byok_usage_weekly: usd(byokUsage.weekly),
    byok_usage_monthly: usd(byokUsage.monthly),
  };
};

const limitFields = (key: KeyEntry, known: KeyUsage | undefined) => ({
  limit: optionalUsd(key.limit),
  limit_remaining: optionalUsd(known?.limitRemaining ?? key.limit),
  limit_reset: key.limitReset ?? null,
  include_byok_in_limit: key.includeByokInLimit,
});

/** `KeyInfo` of `/keys`. */
export const keyInfo = (key: KeyEntry, known: KeyUsage | undefined) => ({
  hash: key.hash,
  name: key.name,
  label: key.label,
  is_management_key: key.kind === 'management',
  disabled: key.disabled,
  ...limitFields(key, known),
  ...usageFields(known),
  created_at: new Date(key.createdAt).toISOString(),
  updated_at: null,
  expires_at: isoOf(key.expiresAt),
  creator_user_id: key.memberId ?? null,
  external_user: null,
  workspace_id: key.workspaceId,
});

/** What `/key` tells a key about itself. */
export const ownKeyInfo = (key: KeyEntry, known: KeyUsage | undefined) => ({
  label: key.label,
  ...limitFields(key, known),
  ...usageFields(known),
  is_free_tier: false,
  is_management_key: key.kind === 'management',
  is_provisioning_key: key.kind === 'management',
  expires_at: isoOf(key.expiresAt),
  creator_user_id: key.memberId ?? null,
  workspace_id: key.workspaceId,
  organization_id: null,
  allowed_data_regions: [],
  free_model_daily_requests: { limit: 0, remaining: 0, used: 0 },
  // Deprecated, but strict SDKs decode it.
  rate_limit: { interval: '1h', requests: 1000, note: 'This field is deprecated and safe to ignore.' },
});
