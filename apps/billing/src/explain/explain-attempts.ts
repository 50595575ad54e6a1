// The charges of a generation by attempt, so that a person can follow each picodollar: the lines of the bill, who bore what, and why each revision was made. Pure.
// Invariant: lines = cost, and cost + surcharge = credits + waste + variance + byok + unbilled.
import { itemise, type CostLine } from '@waystation/catalog';
import type { PriceVector } from '@waystation/contracts';
import { policyRowOf, surchargeAccountOf, type Bearer, type SurchargeAccount } from '@waystation/ledger';
import type { ChargeRow } from './charge-history.js';

/** Picodollars, by who bore them. `byok` is what the customer's own key paid. */
interface Parts {
  readonly credits: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
  readonly byok: bigint;
}

interface ExplainedRevision extends Parts {
  readonly revision: number;
  readonly reason: string;
  readonly outcome: string;
  readonly outcomeBy: string;
  readonly policyRow: string;
  readonly usage: Record<string, number>;
  readonly usageSource: string;
  readonly usageBy: string;
  readonly priceVersion: string;
  readonly surcharge?: bigint;
  readonly rerateId?: string;
  readonly settledAtMs: number;
}

export interface ExplainedAttempt extends Parts {
  readonly attemptId: string;
  readonly provider: string;
  readonly endpointId: string;
  readonly model: string;
  readonly priceVersion: string;
  readonly serviceTier?: string;
  readonly lines: readonly CostLine[];
  readonly cost: bigint;
  /** On top of the cost. Less than its rate says where the hold ended it. */
  readonly surcharge?: { readonly account: SurchargeAccount; readonly ratePpm: number; readonly amount: bigint };
  readonly policyRow: string;
  readonly bearer?: Bearer;
  readonly why?: string;
  /** Nobody's: an estimate is no evidence that a provider bills for it. */
  readonly unbilled: bigint;
  readonly hold: bigint;
  readonly lease?: { readonly id: string; readonly endsAtMs?: number; readonly closedAtMs?: number };
  readonly quotas: readonly string[];
  readonly revisions: readonly ExplainedRevision[];
}

/** Who told what it was settled from, for people. */
const witnessesOf = ({ outcome_by: outcomeBy, usage_by: usageBy }: ChargeRow): string => {
  if (usageBy === 'progress')
    return 'from the last progress of the worker, as an estimate: nobody told how much was used in the end';
  if (outcomeBy === 'nobody') return 'as begun and never heard of again';
  if (usageBy === 'nobody') return `from what the ${outcomeBy} told; nobody told any usage`;
  return outcomeBy === usageBy
    ? `from what the ${outcomeBy} told`
    : `from what the ${outcomeBy} told, with the usage that the ${usageBy} told`;
};

const reasonOf = (row: ChargeRow): string => {
  if (row.rerate_id !== null) return `Brought to price version ${row.price_version} by the re-rating ${row.rerate_id}.`;
  return `${row.revision === 0 ? 'Settled' : 'Corrected'} ${witnessesOf(row)}.`;
};

const partsOf = (row: ChargeRow): Parts => ({
  credits: BigInt(row.charged),
  waste: BigInt(row.waste),
  variance: BigInt(row.variance),
  byok: BigInt(row.byok),
});

const plus = (a: Parts, b: Parts): Parts => ({
  credits: a.credits + b.credits,
  waste: a.waste + b.waste,
  variance: a.variance + b.variance,
  byok: a.byok + b.byok,
});

const revisionOf = (row: ChargeRow): ExplainedRevision => ({
  revision: row.revision,
  reason: reasonOf(row),
  ...partsOf(row),
  outcome: row.outcome,
  outcomeBy: row.outcome_by,
  policyRow: row.policy_row,
  usage: row.usage,
  usageSource: row.usage_source,
  usageBy: row.usage_by,
  priceVersion: row.price_version,
  ...(row.surcharge === '0' ? {} : { surcharge: BigInt(row.surcharge) }),
  ...(row.rerate_id === null ? {} : { rerateId: row.rerate_id }),
  settledAtMs: Number(row.settled_at_ms),
});

const leaseOf = (row: ChargeRow): Pick<ExplainedAttempt, 'lease'> =>
  row.lease_id === null
    ? {}
    : {
        lease: {
          id: row.lease_id,
          ...(row.lease_ends_at_ms === null ? {} : { endsAtMs: Number(row.lease_ends_at_ms) }),
          ...(row.lease_closed_at_ms === null ? {} : { closedAtMs: Number(row.lease_closed_at_ms) }),
        },
      };

const policyOf = (row: ChargeRow): Pick<ExplainedAttempt, 'policyRow' | 'bearer' | 'why'> => {
  const policy = policyRowOf(row.policy_row);
  return {
    policyRow: row.policy_row,
    ...(policy === undefined ? {} : { bearer: policy.bearer, why: policy.why }),
  };
};

const surchargeInfo = (
  { surcharge_ppm: ratePpm, payer }: ChargeRow,
  amount: bigint,
): Pick<ExplainedAttempt, 'surcharge'> =>
  ratePpm === 0 ? {} : { surcharge: { account: surchargeAccountOf(payer === 'byok'), ratePpm, amount } };

const attemptOf = (
  rows: readonly ChargeRow[],
  last: ChargeRow,
  priceOf: (version: string) => PriceVector,
): ExplainedAttempt => {
  const serviceTier = last.service_tier ?? undefined;
  const lines = itemise(priceOf(last.price_version), last.usage, serviceTier);
  const cost = lines.reduce((sum, { amountPicodollars }) => sum + amountPicodollars, 0n);
  const parts = rows.map(partsOf).reduce(plus);
  const surcharge = rows.reduce((sum, row) => sum + BigInt(row.surcharge), 0n);
  return {
    attemptId: last.attempt_id,
    provider: last.provider,
    endpointId: last.endpoint_id,
    model: last.model,
    priceVersion: last.price_version,
    ...(serviceTier === undefined ? {} : { serviceTier }),
    lines,
    cost,
    ...surchargeInfo(last, surcharge),
    ...policyOf(last),
    ...parts,
    unbilled: cost + surcharge - parts.credits - parts.waste - parts.variance - parts.byok,
    hold: BigInt(last.hold),
    ...leaseOf(last),
    quotas: last.quota_set,
    revisions: rows.map(revisionOf),
  };
};

/** @param rows of one generation, an attempt's revisions in order */
export const explainAttempts = (
  rows: readonly ChargeRow[],
  priceOf: (version: string) => PriceVector,
): ExplainedAttempt[] => {
  const byAttempt = Map.groupBy(rows, (row) => row.attempt_id);
  return [...byAttempt.values()].flatMap((its) => {
    const last = its.at(-1);
    return last === undefined ? [] : [attemptOf(its, last, priceOf)];
  });
};
