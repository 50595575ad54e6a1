// A limit as the API shows it, and what a limit's quota has left. Money limits are in USD, the others in what they count.
import type { LimitSpec } from '@waystation/contracts';
import { usd } from '../http/send-json.js';

export interface LimitUse {
  readonly used: bigint;
  readonly held: bigint;
}

/** A limit of the workspace, or a budget of a guardrail. */
type Shown = Omit<LimitSpec, 'scope'> & {
  readonly scope: LimitSpec['scope'] | 'guardrail';
  readonly createdAt?: number;
  readonly updatedAt?: number;
};

const amount = ({ metric }: Shown, value: bigint): unknown =>
  metric === 'usd' ? usd(value) : JSON.rawJSON(value.toString());

/** `use`: of its quota in the current window; undefined for a limit of each, which has many. */
export const limitInfo = (limit: Shown, use: LimitUse | undefined) => {
  const most = BigInt(limit.limit);
  const left = use === undefined ? undefined : most - use.used;
  return {
    scope: limit.scope,
    scope_id: limit.scopeId ?? null,
    metric: limit.metric,
    window: limit.window,
    free_only: limit.freeOnly ?? false,
    limit: amount(limit, most),
    include_byok: limit.includeByok ?? false,
    used: use === undefined ? null : amount(limit, use.used),
    in_flight: use === undefined ? null : amount(limit, use.held),
    remaining: left === undefined ? null : amount(limit, left > 0n ? left : 0n),
    ...(limit.createdAt === undefined ? {} : { created_at: new Date(limit.createdAt).toISOString() }),
    ...(limit.updatedAt === undefined ? {} : { updated_at: new Date(limit.updatedAt).toISOString() }),
  };
};
