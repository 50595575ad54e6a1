// What a hold or lease is made of, in memory: money exact, the rest counts. The wire form is `LeaseVector`.
import type { LeaseVector } from '@waystation/contracts';

export interface Amounts {
  /** Picodollars of credits. */
  readonly usd: bigint;
  /** Picodollars that the customer's own provider keys cost, for money limits that count them. */
  readonly byok: bigint;
  readonly requests: number;
  readonly tokens: number;
}

export const NOTHING: Amounts = { usd: 0n, byok: 0n, requests: 0, tokens: 0 };

export const plus = (a: Amounts, b: Amounts): Amounts => ({
  usd: a.usd + b.usd,
  byok: a.byok + b.byok,
  requests: a.requests + b.requests,
  tokens: a.tokens + b.tokens,
});

export const minus = (a: Amounts, b: Amounts): Amounts => ({
  usd: a.usd - b.usd,
  byok: a.byok - b.byok,
  requests: a.requests - b.requests,
  tokens: a.tokens - b.tokens,
});

/** The part of each amount that is above zero. */
export const aboveZero = (a: Amounts): Amounts => ({
  usd: a.usd > 0n ? a.usd : 0n,
  byok: a.byok > 0n ? a.byok : 0n,
  requests: Math.max(0, a.requests),
  tokens: Math.max(0, a.tokens),
});

/** `a` itself where nothing of `b` is larger. */
export const larger = (a: Amounts, b: Amounts): Amounts =>
  fitsInto(b, a)
    ? a
    : {
        usd: a.usd > b.usd ? a.usd : b.usd,
        byok: a.byok > b.byok ? a.byok : b.byok,
        requests: Math.max(a.requests, b.requests),
        tokens: Math.max(a.tokens, b.tokens),
      };

/** `a` itself where nothing of it is larger. */
export const smaller = (a: Amounts, b: Amounts): Amounts =>
  fitsInto(a, b)
    ? a
    : {
        usd: a.usd < b.usd ? a.usd : b.usd,
        byok: a.byok < b.byok ? a.byok : b.byok,
        requests: Math.min(a.requests, b.requests),
        tokens: Math.min(a.tokens, b.tokens),
      };

const scaledUp = (amount: bigint, numerator: number, denominator: number): bigint =>
  amount === 0n ? 0n : (amount * BigInt(numerator) + BigInt(denominator) - 1n) / BigInt(denominator);

/** `a × numerator / denominator`, rounded up. */
export const scaled = (a: Amounts, numerator: number, denominator: number): Amounts => ({
  usd: scaledUp(a.usd, numerator, denominator),
  byok: scaledUp(a.byok, numerator, denominator),
  requests: Math.ceil((a.requests * numerator) / denominator),
  tokens: Math.ceil((a.tokens * numerator) / denominator),
});

export const fitsInto = (need: Amounts, free: Amounts): boolean =>
  need.usd <= free.usd && need.byok <= free.byok && need.requests <= free.requests && need.tokens <= free.tokens;

export const isNothing = (a: Amounts): boolean => a.usd === 0n && a.byok === 0n && a.requests === 0 && a.tokens === 0;

export const toVector = (a: Amounts): LeaseVector => ({
  usd: a.usd.toString(),
  requests: a.requests,
  tokens: a.tokens,
  ...(a.byok === 0n ? {} : { byok: a.byok.toString() }),
});

export const fromVector = (vector: LeaseVector): Amounts => ({
  usd: BigInt(vector.usd),
  byok: BigInt(vector.byok ?? 0),
  requests: vector.requests,
  tokens: vector.tokens,
});
