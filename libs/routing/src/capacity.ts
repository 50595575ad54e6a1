// What a credential can take, and whether it is used up: decided by routers, which leave its endpoints out, and by each worker for itself, which declines before anything is sent.
// Invariants: what is full is never taken; all workers together pass a limit by less than a quarter of it and one request each, as long as what is told arrives within a round.
import type { CapacityLimits } from '@waystation/contracts';

/** A minute, and no less: what is told by slots leaves with its slot. */
export const CAPACITY_MS = 60_000;
export const CAPACITY_SLOT_MS = 5_000;

export interface Use {
  /** Within the last minute. */
  readonly requests: number;
  /** Within the last minute, prompts and answers. */
  readonly tokens: number;
  readonly inFlight: number;
}

export const NO_USE: Use = { requests: 0, tokens: 0, inFlight: 0 };

/** In the words of who reads an exclusion. */
export type CapacityMetric = 'requests_per_minute' | 'tokens_per_minute' | 'in_flight';

interface Metric {
  readonly name: CapacityMetric;
  limitOf(limits: CapacityLimits): number | undefined;
  of(use: Use): number;
  /** What one more attempt takes. */
  needOf(tokens: number): number;
}

const ONE = (): number => 1;

export const CAPACITY_METRICS: readonly Metric[] = [
  {
    name: 'requests_per_minute',
    limitOf: ({ requestsPerMinute }) => requestsPerMinute,
    of: (use) => use.requests,
    needOf: ONE,
  },
  {
    name: 'tokens_per_minute',
    limitOf: ({ tokensPerMinute }) => tokensPerMinute,
    of: (use) => use.tokens,
    needOf: (tokens) => tokens,
  },
  { name: 'in_flight', limitOf: ({ inFlight }) => inFlight, of: (use) => use.inFlight, needOf: ONE },
];

/** Whether so much more fits. What alone is larger than the limit is taken while nothing else is used: otherwise it never could be. */
const fits = (limit: number, used: number, need: number): boolean =>
  used < limit && (used === 0 || used + need <= limit);

/** What of the limits stands in the way of one more attempt; undefined: nothing. */
export const fullBy = (limits: CapacityLimits, use: Use, tokens: number): CapacityMetric | undefined => {
  // Asked for every endpoint of every plan: by name, which costs a third of a walk over the metrics.
  const { requestsPerMinute, tokensPerMinute, inFlight } = limits;
  if (requestsPerMinute !== undefined && !fits(requestsPerMinute, use.requests, 1)) return 'requests_per_minute';
  if (tokensPerMinute !== undefined && !fits(tokensPerMinute, use.tokens, tokens)) return 'tokens_per_minute';
  if (inFlight !== undefined && !fits(inFlight, use.inFlight, 1)) return 'in_flight';
  return undefined;
};

export interface Share {
  /** This worker's own, exact. */
  readonly own: Use;
  /** Of that, what others may not have heard of. */
  readonly untold: Use;
  /** What was heard of the others. */
  readonly others: Use;
  /** Workers that live, this one among them. */
  readonly workers: number;
}

/**
 * Whether a worker may take one more attempt. `full`: the credential has no room, whoever is asked. `not-here`: what is free may be taken by others at this moment; another worker
 * may have some of it left.
 */
export const mayTake = (
  limits: CapacityLimits,
  { own, untold, others, workers }: Share,
  tokens: number,
):
  | { readonly kind: 'taken' }
  | { readonly kind: 'full'; readonly by: CapacityMetric }
  | { readonly kind: 'not-here' } => {
  const use: Use = {
    requests: own.requests + others.requests,
    tokens: own.tokens + others.tokens,
    inFlight: own.inFlight + others.inFlight,
  };
  const by = fullBy(limits, use, tokens);
  if (by !== undefined) return { kind: 'full', by };
  if (workers <= 1) return { kind: 'taken' };
  for (const metric of CAPACITY_METRICS) {
    const limit = metric.limitOf(limits);
    if (limit === undefined) continue;
    // What was free before anybody took what is not heard of yet, shared by all. Each may take one: otherwise nobody could take the last.
    const untoldHere = metric.of(untold);
    const free = limit - (metric.of(use) - untoldHere);
    if (untoldHere > 0 && (untoldHere + metric.needOf(tokens)) * workers > free) return { kind: 'not-here' };
  }
  return { kind: 'taken' };
};
