// What a lease holds and an attempt spends, by all that quotas can count. Every part is a whole number; none is ever traded for another.
import type { QuotaRef } from '@waystation/contracts';

export interface Amounts {
  /** Picodollars of the workspace's credits. */
  readonly usd: bigint;
  /** Picodollars that a customer's own provider key costs: counted by money quotas that include it, never by the wallet. */
  readonly byok: bigint;
  readonly requests: bigint;
  readonly tokens: bigint;
}

/** In an order that never changes. */
export const PARTS = ['usd', 'byok', 'requests', 'tokens'] as const;
export type AmountPart = (typeof PARTS)[number];

export const NOTHING: Amounts = { usd: 0n, byok: 0n, requests: 0n, tokens: 0n };

/** Each part from the same part of both. */
export const zip = (a: Amounts, b: Amounts, of: (a: bigint, b: bigint) => bigint): Amounts => ({
  usd: of(a.usd, b.usd),
  byok: of(a.byok, b.byok),
  requests: of(a.requests, b.requests),
  tokens: of(a.tokens, b.tokens),
});

export const plus = (a: Amounts, b: Amounts): Amounts => zip(a, b, (x, y) => x + y);
export const minus = (a: Amounts, b: Amounts): Amounts => zip(a, b, (x, y) => x - y);
export const smaller = (a: Amounts, b: Amounts): Amounts => zip(a, b, (x, y) => (x < y ? x : y));
export const aboveZero = (a: Amounts): Amounts => zip(a, NOTHING, (x) => (x > 0n ? x : 0n));
export const isNothing = (a: Amounts): boolean => PARTS.every((part) => a[part] === 0n);
export const fitsInto = (a: Amounts, b: Amounts): boolean => PARTS.every((part) => a[part] <= b[part]);

/** Which parts a quota counts. */
export const partsCountedBy = (quota: Pick<QuotaRef, 'scope' | 'metric' | 'includeByok'>): readonly AmountPart[] => {
  switch (quota.metric) {
    case 'usd':
      return quota.scope !== 'wallet' && quota.includeByok === true ? ['usd', 'byok'] : ['usd'];
    case 'requests':
      return ['requests'];
    case 'tokens':
      return ['tokens'];
    case 'in-flight':
      return [];
    default: {
      const unreachable: never = quota.metric;
      return unreachable;
    }
  }
};

/** What of these amounts a quota counts. */
export const countedBy = (quota: Pick<QuotaRef, 'scope' | 'metric' | 'includeByok'>, amounts: Amounts): bigint =>
  partsCountedBy(quota).reduce((sum, part) => sum + amounts[part], 0n);

/** Each part, in an order that never changes. */
export const mapParts = (of: (part: AmountPart) => bigint): Amounts => ({
  usd: of('usd'),
  byok: of('byok'),
  requests: of('requests'),
  tokens: of('tokens'),
});
