// Limits as rows, and as the data plane reads them with their workspace.
import type { LimitSpec } from '@waystation/contracts';

export interface LimitRow {
  readonly scope: LimitSpec['scope'];
  readonly scope_id: string;
  readonly metric: LimitSpec['metric'];
  readonly limit_window: LimitSpec['window'];
  readonly free_only: boolean;
  readonly amount: string;
  readonly include_byok: boolean;
  readonly created_at_ms: string;
  readonly updated_at_ms: string;
}

/** Amounts as text: JSON numbers are not exact. */
export const LIMIT_COLUMNS = `scope, scope_id, metric, limit_window, free_only, amount::text as amount, include_byok,
  floor(extract(epoch from created_at) * 1000)::bigint::text as created_at_ms, floor(extract(epoch from updated_at) * 1000)::bigint::text as updated_at_ms`;

export const limitOf = (row: Omit<LimitRow, 'created_at_ms' | 'updated_at_ms'>): LimitSpec => ({
  scope: row.scope,
  ...(row.scope_id === '' ? {} : { scopeId: row.scope_id }),
  metric: row.metric,
  window: row.limit_window,
  ...(row.free_only ? { freeOnly: true } : {}),
  limit: row.amount,
  ...(row.include_byok ? { includeByok: true } : {}),
});
