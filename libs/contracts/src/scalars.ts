// Schemas of the values that many contracts share: ids, money, usage, time.
import { z } from 'zod';

/** Picodollars (10⁻¹² USD) as a decimal string: money on the wire. */
export const picodollars = z.string().regex(/^-?(0|[1-9]\d{0,37})$/, 'must be whole picodollars as decimal text');
/** Picodollars that are not negative. */
export const picodollarsUnsigned = z
  .string()
  .regex(/^(0|[1-9]\d{0,37})$/, 'must be non-negative whole picodollars as decimal text');

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const unixMs = z.number().int().min(0);

const id = (maxLength: number) => z.string().min(1).max(maxLength);
export const instanceId = z.string().regex(/^[a-z0-9-]{3,64}$/);
export const workspaceId = id(64);
export const memberId = id(64);
/** Lower-case hex SHA-256 of the whole key. */
export const keyHash = z.string().regex(/^[0-9a-f]{64}$/);
export const generationId = z.string().regex(/^gen-\d{10}-[0-9A-Za-z]{20}$/);
export const attemptId = z.string().regex(/^att-\d{10}-[0-9A-Za-z]{20}-\d{1,3}$/);
export const leaseId = z.string().regex(/^lease-[0-9a-z-]{8,64}$/);
export const endpointId = id(256);
export const providerSlug = id(128);
export const modelId = id(256);
export const priceVersionId = z.string().regex(/^price-[0-9a-f]{32}$/);
export const endUserId = id(512);
export const sessionId = id(256);

/** Counts by class; classes are disjoint, absent is not zero (see libs/generation). */
export const usage = z.record(z.string().max(64), count);

/** A rate on top of a price, in parts per million: 75 000 is 7.5 %. At most ten times the price. */
export const SURCHARGE_PPM_MAX = 10_000_000;
export const surchargePpm = z.number().int().min(0).max(SURCHARGE_PPM_MAX);

/** As the request asks for it or the provider tells it: `flex`, `priority`, `default`, … */
export const serviceTier = z.string().min(1).max(32);

/** Who the call is for; in every contract and row. */
export const identity = z.object({
  workspaceId,
  keyHash,
  memberId: memberId.optional(),
  endUserId: endUserId.optional(),
  sessionId: sessionId.optional(),
  /** HTTP-Referer and title of the calling app. */
  app: z.object({ referer: z.string().max(512).optional(), title: z.string().max(256).optional() }).optional(),
  /** Labels that the caller put on the call, for limits and reports. */
  tags: z.array(z.string().min(1).max(64)).max(8).optional(),
});
export type Identity = z.infer<typeof identity>;

/** What a lease can hold: money, requests, tokens. All three always present; zero where the quota set does not meter it. */
export const leaseVector = z.object({
  usd: picodollarsUnsigned,
  requests: count,
  tokens: count,
  /** Picodollars that a customer's own provider key would cost: counted by money limits that include it. Absent is zero. */
  byok: picodollarsUnsigned.optional(),
});
export type LeaseVector = z.infer<typeof leaseVector>;

/** What differs between providers, or models, of one dialect. */
export const quirks = z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()]));
