// Whether the two witnesses of an attempt contradict each other. Pure. Only an ingress that told the usage itself has heard the attempt's end, and then both tell of
// the same end; one that leaves the usage pending tells what it did (it left, lost the stream, turned elsewhere) and the worker what came of it: both can be true.
import { priceUsage } from '@waystation/catalog';
import type { PriceVector } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import type { Evidence } from '@waystation/ledger';

export const DISAGREEMENT_KINDS = ['usage', 'outcome', 'usage-and-outcome'] as const;
export type DisagreementKind = (typeof DISAGREEMENT_KINDS)[number];

/** What each said. The ingress is believed. */
export interface Contradiction {
  readonly kind: DisagreementKind;
  readonly ingress: Evidence;
  readonly worker: Evidence;
}

const countIn = (usage: Usage, unit: string): number => usage[unit] ?? 0;

/** A class that is absent is charged as one of zero. */
const isSameUsage = (a: Usage, b: Usage): boolean => {
  for (const unit in a) if (countIn(a, unit) !== countIn(b, unit)) return false;
  for (const unit in b) if (countIn(a, unit) !== countIn(b, unit)) return false;
  return true;
};

/** Of what is known of an attempt and what is heard now, whichever came first. A worker that told no final usage can only contradict the outcome. */
export const contradictionOf = (known: Evidence, heard: Evidence): Contradiction | undefined => {
  const [ingress, worker] = known.outcomeBy === 'ingress' ? [known, heard] : [heard, known];
  if (ingress.outcomeBy !== 'ingress' || ingress.usageBy !== 'ingress' || worker.outcomeBy !== 'worker')
    return undefined;
  const outcome = ingress.outcome !== worker.outcome;
  const usage =
    worker.usageBy === 'worker' &&
    !(
      ingress.usageSource === worker.usageSource &&
      ingress.serviceTier === worker.serviceTier &&
      isSameUsage(ingress.usage, worker.usage)
    );
  if (!outcome && !usage) return undefined;
  return { kind: outcome && usage ? 'usage-and-outcome' : outcome ? 'outcome' : 'usage', ingress, worker };
};

/** Picodollars that the worker's count costs beyond the ingress's; negative where it costs less. */
export const differenceOf = ({ ingress, worker }: Contradiction, price: PriceVector): bigint =>
  worker.usageBy === 'worker'
    ? priceUsage(price, worker.usage, worker.serviceTier) - priceUsage(price, ingress.usage, ingress.serviceTier)
    : 0n;
