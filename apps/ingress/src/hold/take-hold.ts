// Takes the hold of a generation: what its plan may cost at most, or a first slice of it where the hold can grow with the stream. Where the client set no output cap and
// credit, or a quota of tokens, does not reach for the policy's, the cap becomes what is left of it, and the client is told. Where money does not reach for the
// station's own capacity, and own keys are in the plan, those alone are tried.
import type { ChatRequest } from '@waystation/dialects';
import type { LeaseRefusal, PlannedAttempt, RouteFeatures } from '@waystation/contracts';
import { fitsInto, isNothing, NOTHING, type Amounts } from './amounts.js';
import { affordableCap, amountsOf, boundAttempts, type BoundAttempt } from './bound-plan.js';
import { GrowingHold } from './growing-hold.js';
import type { LeaseCache } from './lease-cache.js';
import { fitsLeft, type Hold, type QuotaSet, type Refused } from './lease-pool.js';
import { boundsUpTo, FIRST_SLICE_TOKENS, mayGrow } from './plan-growth.js';
import { refusalError } from './refusal-error.js';

export interface PlanHold {
  readonly hold: Hold;
  readonly quotaIds: string[];
  readonly bounds: readonly BoundAttempt[];
  /** Set where the client gave no cap: what is sent upstream is each endpoint's bound. */
  readonly capped: boolean;
  /** Set where what is left, not policy, decided the cap. */
  readonly clampedTo?: number;
  readonly clampedBy?: 'usd' | 'tokens';
  /** Set where attempts of the plan were left out, because there is no money for them. */
  readonly ownKeysOnly?: boolean;
  /** Set where less is held than `bounds` can cost, and more as the stream runs. */
  readonly growing?: GrowingHold;
}

/** Picodollars of credits that are held for any attempt of the plan: no customer pays more. With an own key that is for the fee. */
export const holdOf = ({ hold }: PlanHold): bigint => hold.amounts.usd;

export interface HoldRequest {
  readonly request: ChatRequest;
  readonly attempts: readonly PlannedAttempt[];
  readonly set: QuotaSet;
  /** Output cap of the policy, for requests that set none. */
  readonly policyCap: number;
  /** Unix ms by which the generation is over. */
  readonly deadlineAt: number;
}

/** Nothing can be charged, so that nothing is held. */
const FREE_HOLD: Hold = {
  leaseId: undefined,
  amounts: NOTHING,
  grow: () => undefined,
  settle: () => undefined,
  leaveOpen: () => undefined,
};

/** Whether waiting brings back no room for what was asked: the money is spent; or the tokens are, for good, or would not do were none of them used. */
const isSpent = ({ code, metric, asked, limit, retryAfterMs }: LeaseRefusal): boolean =>
  metric === 'usd'
    ? code === 'insufficient_credits' || code === 'limit_exceeded'
    : metric === 'tokens' && (retryAfterMs === undefined || (limit !== undefined && BigInt(asked) > BigInt(limit)));

const mayClamp = ({ request }: HoldRequest, refusal: LeaseRefusal): boolean =>
  request.features.maxOutputTokens === undefined && isSpent(refusal);

const boundsWith = (job: HoldRequest, cap: number) => {
  const bounds = boundAttempts(job.request, job.attempts, cap);
  return { bounds, amounts: amountsOf(bounds, job.request, job.set) };
};

const refuse = (job: HoldRequest, refusal: LeaseRefusal, bounds: readonly BoundAttempt[]) => {
  const outputTokens = bounds.reduce((most, bound) => Math.max(most, bound.outputTokens), 0);
  const affordable = refusal.metric === 'usd' ? affordableTokens(job, refusal, outputTokens) : 0;
  return refusalError(refusal, { outputTokens, affordableTokens: affordable });
};

/** How many tokens the rest would buy if the client had set no cap. */
const affordableTokens = (
  { request, attempts, set }: HoldRequest,
  refusal: LeaseRefusal,
  outputTokens: number,
): number =>
  affordableCap(
    { ...request, features: withoutCap(request.features) },
    attempts,
    set,
    (hold) => fitsLeft(hold, refusal),
    outputTokens,
  );

const withoutCap = (features: RouteFeatures): RouteFeatures => {
  const copy = { ...features };
  delete copy.maxOutputTokens;
  return copy;
};

/** The first slice; undefined where that is all that can be needed. */
const takeSlice = async (
  leases: LeaseCache,
  { request, set }: HoldRequest,
  bounds: readonly BoundAttempt[],
  full: Amounts,
): Promise<GrowingHold | Refused | undefined> => {
  const amountsAt = (tokens: number): Amounts => amountsOf(boundsUpTo(bounds, tokens), request, set);
  const slice = amountsAt(FIRST_SLICE_TOKENS);
  if (fitsInto(full, slice)) return undefined;
  const hold = await leases.take(set, slice, true);
  if ('refused' in hold) return hold;
  const fullTokens = bounds.reduce((most, bound) => Math.max(most, bound.outputTokens), 0);
  return new GrowingHold({ hold, fullTokens, amountsAt, now: () => performance.now() });
};

/** The own keys of a plan that has more than those. */
const ownKeysOf = ({ attempts }: HoldRequest): readonly PlannedAttempt[] | undefined => {
  const own = attempts.filter(({ byok }) => byok);
  return own.length === 0 || own.length === attempts.length ? undefined : own;
};

/** Own keys need no credit but for their fee: they must not wait for money that only their fallback needs. */
const spares = ({ code, metric }: LeaseRefusal): boolean => metric === 'usd' && code !== 'workspace_suspended';

/**
 * A hold of its own for one more charge of a generation that has one. Undefined: there is no credit for it, so that nothing may be dispatched.
 * @throws WaystationError `no_responder`, `overloaded`
 */
export const takeFurtherHold = async (
  leases: LeaseCache,
  { request, set }: Pick<HoldRequest, 'request' | 'set'>,
  bound: BoundAttempt,
): Promise<PlanHold | undefined> => {
  // The request was counted with the first.
  const amounts = { ...amountsOf([bound], request, set), requests: 0 };
  const terms = { quotaIds: set.quotas.map((quota) => quota.id), bounds: [bound], capped: true };
  if (isNothing(amounts)) return { hold: FREE_HOLD, ...terms };
  const taken = await leases.take(set, amounts);
  return 'refused' in taken ? undefined : { hold: taken, ...terms };
};

/** @throws WaystationError `insufficient_credits`, `limit_exceeded`, `in_flight`, `rate_limited`, `no_responder`, `overloaded` */
export const takeHold = async (leases: LeaseCache, job: HoldRequest): Promise<PlanHold> => {
  const { set, request } = job;
  const capped = request.features.maxOutputTokens === undefined;
  const quotaIds = set.quotas.map((quota) => quota.id);
  const { bounds, amounts } = boundsWith(job, job.policyCap);
  if (isNothing(amounts)) return { hold: FREE_HOLD, quotaIds, bounds, capped };

  const slice = mayGrow(job) ? await takeSlice(leases, job, bounds, amounts) : undefined;
  if (slice instanceof GrowingHold) return { hold: slice.hold, quotaIds, bounds, capped, growing: slice };
  // Where not even a slice is left the cap says what the rest buys, as where nothing grows.
  const taken = slice ?? (await leases.take(set, amounts));
  if (!('refused' in taken)) return { hold: taken, quotaIds, bounds, capped };
  const own = ownKeysOf(job);
  if (own !== undefined && spares(taken.refused))
    return { ...(await takeHold(leases, { ...job, attempts: own })), ownKeysOnly: true };
  if (!mayClamp(job, taken.refused)) throw refuse(job, taken.refused, bounds);

  const { refused } = taken;
  const cap = affordableCap(request, job.attempts, set, (hold) => fitsLeft(hold, refused), job.policyCap);
  if (cap === 0) throw refuse(job, taken.refused, bounds);
  const clamped = boundsWith(job, cap);
  const second = await leases.take(set, clamped.amounts);
  if ('refused' in second) throw refuse(job, second.refused, clamped.bounds);
  return {
    hold: second,
    quotaIds,
    bounds: clamped.bounds,
    capped,
    clampedTo: cap,
    clampedBy: refused.metric === 'tokens' ? 'tokens' : 'usd',
  };
};
