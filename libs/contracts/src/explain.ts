// Why an attempt was charged, whole: the bill line by line, who bore what of it, what was held, and every revision with its reason.
// Invariant: the lines add up to `cost`; `credits`, `waste`, `variance`, `byok` and `unbilled` to `cost` and the surcharge; each of the first four is the sum of its
// revisions.
import { z } from 'zod';
import { count, picodollars, picodollarsUnsigned, serviceTier, surchargePpm, unixMs } from './scalars.js';

const line = z.object({
  /** Usage class, or `request` for the fee per request. */
  unit: z.string(),
  count,
  /** The class whose price was applied; absent where the version has no price for it. */
  pricedAs: z.string().optional(),
  unitPicodollars: picodollarsUnsigned,
  amountPicodollars: picodollarsUnsigned,
});

const revision = z.object({
  revision: count,
  /** Why there is this revision, for people. */
  reason: z.string(),
  /** Differences to the revision before. */
  credits: picodollars,
  waste: picodollars,
  variance: picodollars,
  byok: picodollars,
  surcharge: picodollars.optional(),
  outcome: z.string(),
  outcomeBy: z.string(),
  policyRow: z.string(),
  usage: z.record(z.string(), count),
  usageSource: z.string(),
  usageBy: z.string(),
  priceVersion: z.string(),
  rerateId: z.string().optional(),
  settledAt: unixMs,
});

export const explainedAttempt = z.object({
  attemptId: z.string(),
  provider: z.string(),
  endpointId: z.string(),
  model: z.string(),
  /** Of the last revision, as is all up to `revisions`. */
  priceVersion: z.string(),
  serviceTier: serviceTier.optional(),
  lines: z.array(line).max(64),
  cost: picodollarsUnsigned,
  /** On top of `cost`: its account, its rate, and what it came to, which is less than its rate says where the hold ended it. Absent where there is none. */
  surcharge: z
    .object({ account: z.enum(['markup', 'fees']), ratePpm: surchargePpm, amountPicodollars: picodollars })
    .optional(),
  policyRow: z.string(),
  /** Absent where the policy no longer has the row. */
  bearer: z.enum(['customer', 'nobody']).optional(),
  why: z.string().optional(),
  credits: picodollars,
  waste: picodollars,
  variance: picodollars,
  /** What it would have cost; the customer's own key paid. */
  byok: picodollars,
  /** Nobody's: an estimate is no evidence that a provider bills for it. */
  unbilled: picodollars,
  hold: picodollarsUnsigned,
  lease: z.object({ id: z.string(), endsAt: unixMs.optional(), closedAt: unixMs.optional() }).optional(),
  /** The quotas that it was held and counted in. */
  quotas: z.array(z.string()).max(16),
  revisions: z.array(revision).max(256),
});
