// What an ingress left to a worker's word, told back to it once it is settled: the rest of the hold is free again, without waiting for the lease to be swept. Told
// after the commit and never repeated: what is lost only comes back later.
import type { Bus } from '@waystation/bus';
import { AttemptSettled } from '@waystation/contracts';
import type { Amounts, Book, Evidence } from '@waystation/ledger';
import { toVector } from '../leases/lease-lane.js';
import type { Backing } from './backing.js';

/** An attempt whose hold its ingress keeps until it is told this. */
export interface SettledLeftOpen {
  readonly instance: string;
  readonly attemptId: string;
  readonly charged: Amounts;
}

const ATTEMPTS_PER_SIGNAL_MAX = 256;

/** What there is to tell of an attempt that was settled now: something where its ingress closed it without knowing the usage, and its lease is open. */
export const leftOpenOf = (
  book: Book,
  { attemptId, leaseId }: Backing,
  { outcomeBy, usageBy, served }: Evidence,
): SettledLeftOpen[] => {
  const lease = leaseId === undefined ? undefined : book.leases.get(leaseId);
  const charge = book.charges.get(attemptId);
  if (lease === undefined || lease.closed || charge === undefined) return [];
  if (outcomeBy !== 'ingress' || usageBy === 'ingress' || !served) return [];
  return [{ instance: lease.instance, attemptId, charged: charge.charged }];
};

export const tellSettled = (bus: Pick<Bus, 'signal'>, settled: readonly SettledLeftOpen[]): void => {
  for (const [instance, its] of Map.groupBy(settled, (each) => each.instance)) {
    for (let at = 0; at < its.length; at += ATTEMPTS_PER_SIGNAL_MAX) {
      const attempts = its
        .slice(at, at + ATTEMPTS_PER_SIGNAL_MAX)
        .map(({ attemptId, charged }) => ({ attemptId, charged: toVector(charged) }));
      bus.signal(AttemptSettled, instance, { v: 1, attempts });
    }
  }
};
