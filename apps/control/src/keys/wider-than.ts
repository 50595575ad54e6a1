// Whether a key would be allowed more than the key that makes or changes it. Pure; every way of being wider is one line.

/** What a key is allowed, and for how long. */
export interface Allowance {
  readonly kind: 'inference' | 'management';
  /** Picodollars; undefined: no limit of its own. */
  readonly limit?: string | undefined;
  readonly limitReset?: 'daily' | 'weekly' | 'monthly' | undefined;
  readonly expiresAt?: number | undefined;
  readonly memberId?: string | undefined;
  readonly policyId?: string | undefined;
}

const WINDOWS_PER_MONTH: Readonly<Record<string, bigint>> = { daily: 31n, weekly: 5n, monthly: 1n };

/** The most that the limit lets through in a month; a limit that never resets lets through its amount once. */
const perMonth = ({ limit, limitReset }: Allowance): bigint =>
  BigInt(limit ?? 0) * (limitReset === undefined ? 1n : (WINDOWS_PER_MONTH[limitReset] ?? 1n));

/** A sentence that says in what the child is wider, or undefined. */
export const widerThan = (parent: Allowance, child: Allowance): string | undefined => {
  if (parent.kind === 'inference' && child.kind === 'management')
    return 'it would manage, and the key that makes it may not';
  if (parent.limit !== undefined) {
    if (child.limit === undefined) return 'it would have no limit, and the key that makes it has one';
    if (parent.limitReset === undefined && child.limitReset !== undefined)
      return 'its limit would reset, and that of the key that makes it does not';
    if (perMonth(child) > perMonth(parent)) return 'its limit would be higher than that of the key that makes it';
  }
  if (parent.expiresAt !== undefined && (child.expiresAt === undefined || child.expiresAt > parent.expiresAt))
    return 'it would live longer than the key that makes it';
  if (parent.memberId !== undefined && child.memberId !== parent.memberId)
    return 'it would belong to another member than the key that makes it';
  if (parent.policyId !== undefined && child.policyId !== parent.policyId)
    return 'it would not be under the policy of the key that makes it';
  return undefined;
};
