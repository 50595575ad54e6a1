// Granting, renewing, returning and closing leases. A lease is a slice of every quota of its set at once, so that holds inside it need no database.
// Nothing is granted beyond the least that is free in its quotas, a refused request changes nothing, and a repeated command has no second effect.
import { WaystationError, type QuotaRef } from '@waystation/contracts';
import {
  NOTHING,
  PARTS,
  aboveZero,
  countedBy,
  minus,
  partsCountedBy,
  plus,
  smaller,
  type AmountPart,
  type Amounts,
} from './amounts.js';
import { newWallet, type Book, type Decided, type LeaseState, type LedgerEvent, type QuotaState } from './book.js';
import { walletQuotaId } from './quota-set.js';
import { windowEnd } from './quota-window.js';

/** Beyond what is needed now, a lease gets at most this part of what is free, so that several ingresses can share. Near a limit that is nothing. */
const SHARE_OF_FREE = 4n;

export interface LeaseTimes {
  readonly nowMs: number;
  /** Longest time for new holds on a lease. */
  readonly takeForMsMax: number;
}

/** What a quota lacks: the reason of a refusal. In the unit of its metric. */
export interface Shortage {
  /** With the limit it was decided under. */
  readonly quota: QuotaState;
  readonly asked: bigint;
  readonly left: bigint;
}

export interface LeaseTerms {
  readonly leaseId: string;
  readonly granted: Amounts;
  readonly takeForMs: number;
  readonly endsAtMs: number;
}

export type LeaseAnswer =
  { readonly granted: LeaseTerms } | { readonly refused: Shortage } | { readonly rejected: WaystationError };

export interface GrantLease {
  readonly leaseId: string;
  readonly workspaceId: string;
  readonly keyHash: string;
  readonly instance: string;
  readonly quotas: readonly QuotaRef[];
  readonly need: Amounts;
  readonly want: Amounts;
}

const freeOf = (quota: QuotaState): bigint => {
  const free = quota.limit - quota.posted - quota.held;
  return free > 0n ? free : 0n;
};

/** Money refuses before requests, and requests before tokens; of quotas that count alike, the one with the least left. */
const METRIC_ORDER: readonly QuotaRef['metric'][] = ['usd', 'requests', 'tokens', 'in-flight'];

const isTighter = (a: QuotaState, b: QuotaState): boolean =>
  a.metric === b.metric ? freeOf(a) < freeOf(b) : METRIC_ORDER.indexOf(a.metric) < METRIC_ORDER.indexOf(b.metric);

const shortageOf = (quotas: readonly QuotaState[], need: Amounts): Shortage | undefined => {
  const short = quotas.filter((quota) => countedBy(quota, need) > freeOf(quota));
  const quota = short.reduce<QuotaState | undefined>(
    (worst, each) => (worst === undefined || isTighter(each, worst) ? each : worst),
    undefined,
  );
  return quota === undefined ? undefined : { quota, asked: countedBy(quota, need), left: freeOf(quota) };
};

/** The slice: what is needed, and of what is wanted as much as may be shared; or the quota that has not even what is needed. */
const sliceOf = (
  quotas: readonly QuotaState[],
  need: Amounts,
  want: Amounts,
): { amount: Amounts } | { refused: Shortage } => {
  const refused = shortageOf(quotas, need);
  if (refused !== undefined) return { refused };
  let amount = need;
  const moreOf = (part: AmountPart): bigint => {
    const counting = quotas.filter((quota) => partsCountedBy(quota).includes(part));
    const shares = counting.map((quota) => freeOf(quota) / SHARE_OF_FREE - need[part]);
    const rests = counting.map((quota) => freeOf(quota) - countedBy(quota, amount));
    // What no quota counts is not needed ahead.
    if (counting.length === 0) return 0n;
    return [...shares, ...rests, want[part] - need[part]].reduce((least, each) => (each < least ? each : least));
  };
  // One part after the other: what a quota counts of two parts must fit in it together.
  for (const part of PARTS) {
    const more = moreOf(part);
    if (more > 0n) amount = { ...amount, [part]: amount[part] + more };
  }
  return { amount };
};

const rejected = (code: 'conflict' | 'not_found' | 'invalid_request', message: string): Decided<LeaseAnswer> => ({
  events: [],
  answer: { rejected: new WaystationError(code, message) },
});

/** What a lease stands at, told again: its time counts from the first answer. */
const termsOf = (lease: LeaseState, nowMs: number): LeaseTerms => ({
  leaseId: lease.id,
  granted: lease.granted,
  takeForMs: Math.min(lease.takeForMs, Math.max(0, lease.endsAtMs - nowMs)),
  endsAtMs: lease.endsAtMs,
});

/** A quota as a request meets it: with the limit the request names, but never below what is spent and held already. */
const asMet = (book: Book, ref: QuotaRef, workspaceId: string): QuotaState => {
  if (ref.scope === 'wallet') return book.quotas.get(ref.id) ?? newWallet(workspaceId);
  const { id, scope, scopeId, metric, window, windowStart } = ref;
  const known = book.quotas.get(id) ?? {
    id,
    workspaceId,
    scope,
    scopeId,
    metric,
    window,
    windowStart,
    includeByok: ref.includeByok ?? false,
    limit: 0n,
    posted: 0n,
    held: 0n,
  };
  const limit = BigInt(ref.limit ?? 0);
  const taken = known.posted + known.held;
  return { ...known, limit: limit > taken ? limit : taken };
};

const faultOf = (command: GrantLease): string | undefined => {
  const wallet = walletQuotaId(command.workspaceId);
  if (!command.quotas.some((ref) => ref.id === wallet)) return `The quota set lacks ${wallet}.`;
  if (new Set(command.quotas.map((ref) => ref.id)).size !== command.quotas.length)
    return 'The quota set names a quota twice.';
  for (const ref of command.quotas) {
    if ((ref.scope === 'wallet') !== (ref.id === wallet))
      return `${ref.id} is not the wallet of ${command.workspaceId}.`;
    if (ref.metric === 'in-flight') return `${ref.id} counts ${ref.metric}, which cannot be leased.`;
    if (ref.scope !== 'wallet' && ref.limit === undefined) return `${ref.id} names no limit.`;
  }
  return undefined;
};

/** A quota that counts own keys from now on, or no longer. What is posted stays; what its open leases hold is counted anew. `open`: all open leases that name it. */
export const recountByok = (
  quota: QuotaState,
  includeByok: boolean,
  open: readonly Pick<LeaseState, 'held' | 'unbooked'>[],
): QuotaState => {
  const recounted = { ...quota, includeByok };
  const held = open.reduce((sum, lease) => sum + countedBy(recounted, plus(lease.held, lease.unbooked)), 0n);
  const taken = quota.posted + held;
  return { ...recounted, held, limit: quota.limit > taken ? quota.limit : taken };
};

/** Milliseconds until the first of the windows is over; none of them may be crossed by a hold. */
const untilWindowEnd = (quotas: readonly QuotaState[], nowMs: number): number =>
  quotas.reduce(
    (least, quota) => Math.min(least, (windowEnd(quota.window, quota.windowStart) ?? Infinity) - nowMs),
    Infinity,
  );

export const decideLeaseGrant = (book: Book, command: GrantLease, times: LeaseTimes): Decided<LeaseAnswer> => {
  const { leaseId, workspaceId, keyHash, instance, need, want } = command;
  const { nowMs } = times;
  const known = book.leases.get(leaseId);
  if (known !== undefined) {
    if (known.workspaceId !== workspaceId || known.closed)
      return rejected('conflict', `Lease ${leaseId} was closed; ask with a new id.`);
    return { events: [], answer: { granted: termsOf(known, nowMs) } };
  }
  const fault = faultOf(command);
  if (fault !== undefined) return rejected('invalid_request', fault);

  const quotas = command.quotas.map((ref) => asMet(book, ref, workspaceId));
  const takeForMs = Math.min(times.takeForMsMax, untilWindowEnd(quotas, nowMs));
  if (takeForMs <= 0) return rejected('conflict', 'A window of the quota set is over; ask with the current ones.');
  const slice = sliceOf(quotas, need, want);
  if ('refused' in slice) return { events: [], answer: slice };
  const { amount } = slice;
  const endsAtMs = nowMs + takeForMs;
  return {
    events: [{ type: 'lease-granted', leaseId, workspaceId, keyHash, instance, quotas, amount, takeForMs, endsAtMs }],
    answer: { granted: { leaseId, granted: amount, takeForMs, endsAtMs } },
  };
};

/** More for an open lease, and more time. `need` and `want` come on top of what it has. */
export const decideLeaseRenew = (
  book: Book,
  command: { readonly leaseId: string; readonly step: number; readonly need: Amounts; readonly want: Amounts },
  times: LeaseTimes,
): Decided<LeaseAnswer> => {
  const { leaseId, step, need, want } = command;
  const { nowMs } = times;
  const lease = book.leases.get(leaseId);
  if (lease === undefined) return rejected('not_found', `There is no lease ${leaseId}.`);
  if (lease.closed || lease.final)
    return rejected('conflict', `Lease ${leaseId} takes no more holds; ask for a new one.`);
  if (lease.renewStep === step) return { events: [], answer: { granted: termsOf(lease, nowMs) } };
  if (lease.renewStep !== undefined && step < lease.renewStep)
    return rejected('conflict', `Lease ${leaseId} is past step ${step}.`);

  const quotas = quotasOf(book, lease);
  const takeForMs = Math.min(times.takeForMsMax, untilWindowEnd(quotas, nowMs));
  if (takeForMs <= 0) return rejected('conflict', `A window of lease ${leaseId} is over; ask for a new one.`);
  const slice = sliceOf(quotas, need, want);
  if ('refused' in slice) return { events: [], answer: slice };
  const { amount } = slice;
  const endsAtMs = Math.max(lease.endsAtMs, nowMs + takeForMs);
  const { workspaceId, unbooked: booked } = lease;
  return {
    events: [{ type: 'lease-renewed', leaseId, workspaceId, step, amount, booked, takeForMs, endsAtMs }],
    answer: { granted: { leaseId, granted: plus(lease.granted, amount), takeForMs, endsAtMs } },
  };
};

/** Gives back what is above `keep` (open holds and everything spent so far), as far as it is not settled. */
export const decideLeaseReturn = (
  book: Book,
  command: { readonly leaseId: string; readonly step: number; readonly keep: Amounts; readonly final: boolean },
): Decided<{ readonly released: Amounts } | { readonly rejected: WaystationError }> => {
  const { leaseId, step, keep, final } = command;
  const lease = book.leases.get(leaseId);
  if (lease === undefined) {
    return { events: [], answer: { rejected: new WaystationError('not_found', `There is no lease ${leaseId}.`) } };
  }
  if (lease.returnStep !== undefined && step <= lease.returnStep)
    return { events: [], answer: { released: step === lease.returnStep ? lease.lastReleased : NOTHING } };
  if (lease.closed) return { events: [], answer: { released: NOTHING } };
  const released = smaller(aboveZero(minus(lease.granted, keep)), lease.held);
  const { workspaceId, unbooked: booked } = lease;
  return {
    events: [{ type: 'lease-returned', leaseId, workspaceId, step, released, booked, final }],
    answer: { released },
  };
};

/** Ends a lease and gives its remainder back. Whoever asks has made sure that no claim on it is open. */
export const decideLeaseClose = (book: Book, leaseId: string): readonly LedgerEvent[] => {
  const lease = book.leases.get(leaseId);
  if (lease === undefined || lease.closed) return [];
  const { workspaceId, held: released, unbooked: booked } = lease;
  return [{ type: 'lease-closed', leaseId, workspaceId, released, booked }];
};

/** The quotas of a lease, as far as they are in the working set. */
export const quotasOf = (book: Book, lease: Pick<LeaseState, 'quotaIds'>): QuotaState[] =>
  lease.quotaIds.flatMap((id) => book.quotas.get(id) ?? []);

/** The least that the quotas which count a part have free, once they were told `moved`; undefined where none counts it. */
export const freeFor = (quotas: readonly QuotaState[], part: AmountPart, moved: Amounts): bigint | undefined =>
  quotas
    .filter((quota) => partsCountedBy(quota).includes(part))
    .map((quota) => freeOf(quota) - countedBy(quota, moved))
    .reduce<bigint | undefined>((least, free) => (least === undefined || free < least ? free : least), undefined);
