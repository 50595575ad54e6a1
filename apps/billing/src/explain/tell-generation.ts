// The charges of a generation by attempt, so that a person can follow each picodollar: the lines of the bill, who bore what, and why each revision was made. Pure.
// Told once, for customer and operator. Invariant: lines = cost, and cost + surcharge = credits + waste + variance + byok + unbilled.
import { itemise, type CostLine } from '@waystation/catalog';
import { priceVector } from '@waystation/contracts';
import { policyRowOf, surchargeAccountOf, type Bearer, type Payer, type SurchargeAccount } from '@waystation/ledger';
import type { ChargeRow, GenerationRows } from './read-generation.js';

/** Picodollars, by who bore them. `byok` is what the customer's own key paid. */
export interface Parts {
  readonly credits: bigint;
  readonly waste: bigint;
  readonly variance: bigint;
  readonly byok: bigint;
  /** What of them is on top of the cost. */
  readonly surcharge: bigint;
}

/** The parts are differences to the revision before. */
export interface ToldRevision extends Parts {
  readonly revision: number;
  readonly reason: string;
  readonly posting: string;
  readonly payer: Payer;
  readonly outcome: string;
  readonly outcomeBy: string;
  /** The client got output of it. */
  readonly served: boolean;
  readonly policyRow: string;
  /** Absent where the policy no longer has the row. */
  readonly bearer?: Bearer;
  readonly why?: string;
  readonly usage: Record<string, number>;
  readonly usageSource: string;
  readonly usageBy: string;
  readonly priceVersion: string;
  readonly priceFromMs?: number;
  readonly serviceTier?: string;
  /** Undefined where somebody took the price version away. */
  readonly lines: readonly CostLine[] | undefined;
  /** What is paid on top, and to whom. Less than its rate says where the hold ended it. */
  readonly onTop?: { readonly account: SurchargeAccount; readonly ratePpm: number };
  readonly rerateId?: string;
  readonly leaseId?: string;
  readonly hold: bigint;
  readonly settledAtMs: number;
}

export interface ToldLease {
  readonly id: string;
  /** Absent where billing never granted it. */
  readonly granted?: {
    readonly instance: string;
    readonly amount: bigint;
    readonly held: bigint;
    readonly atMs: number;
  };
  readonly endsAtMs?: number;
  readonly closedAtMs?: number;
}

export interface ToldAttempt extends Parts {
  readonly attemptId: string;
  readonly provider: string;
  readonly endpointId: string;
  readonly model: string;
  /** What the bill comes to by the last revision. */
  readonly cost: bigint;
  /** Nobody's: an estimate is no evidence that a provider bills for it. */
  readonly unbilled: bigint;
  readonly lease?: ToldLease;
  readonly quotas: readonly string[];
  readonly revisions: readonly ToldRevision[];
  /** The bill that stands. */
  readonly last: ToldRevision;
}

export interface ToldGeneration {
  /** Absent while nothing is charged. */
  readonly whose?: {
    readonly workspaceId: string;
    readonly keyHash: string;
    readonly memberId?: string;
    readonly endUserId?: string;
    readonly tags?: readonly string[];
    readonly app?: string;
  };
  readonly attempts: readonly ToldAttempt[];
  /** Attempts that began and are not settled; `dueAtMs` is when they are, from what is known by then. */
  readonly waiting: readonly { readonly attemptId: string; readonly dueAtMs: number }[];
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
  surcharge: BigInt(row.surcharge),
});

export const plus = (a: Parts, b: Parts): Parts => ({
  credits: a.credits + b.credits,
  waste: a.waste + b.waste,
  variance: a.variance + b.variance,
  byok: a.byok + b.byok,
  surcharge: a.surcharge + b.surcharge,
});

export const totalOf = (lines: readonly CostLine[]): bigint =>
  lines.reduce((sum, { amountPicodollars }) => sum + amountPicodollars, 0n);

const billOf = (row: ChargeRow): Pick<ToldRevision, 'priceVersion' | 'priceFromMs' | 'serviceTier' | 'lines'> => {
  const serviceTier = row.service_tier ?? undefined;
  const price = priceVector.safeParse(row.price);
  return {
    priceVersion: row.price_version,
    ...(row.price_from_ms === null ? {} : { priceFromMs: Number(row.price_from_ms) }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    lines: price.success ? itemise(price.data, row.usage, serviceTier) : undefined,
  };
};

const policyOf = (row: ChargeRow): Pick<ToldRevision, 'policyRow' | 'bearer' | 'why'> => {
  const policy = policyRowOf(row.policy_row);
  return {
    policyRow: row.policy_row,
    ...(policy === undefined ? {} : { bearer: policy.bearer, why: policy.why }),
  };
};

const onTopOf = ({ surcharge_ppm: ratePpm, payer }: ChargeRow): Pick<ToldRevision, 'onTop'> =>
  ratePpm === 0 ? {} : { onTop: { account: surchargeAccountOf(payer === 'byok'), ratePpm } };

const revisionOf = (row: ChargeRow): ToldRevision => ({
  revision: row.revision,
  reason: reasonOf(row),
  posting: row.posting,
  ...partsOf(row),
  payer: row.payer,
  outcome: row.outcome,
  outcomeBy: row.outcome_by,
  served: row.served,
  ...policyOf(row),
  usage: row.usage,
  usageSource: row.usage_source,
  usageBy: row.usage_by,
  ...billOf(row),
  ...onTopOf(row),
  ...(row.rerate_id === null ? {} : { rerateId: row.rerate_id }),
  ...(row.lease_id === null ? {} : { leaseId: row.lease_id }),
  hold: BigInt(row.hold),
  settledAtMs: Number(row.settled_at_ms),
});

const grantOf = (row: ChargeRow): Pick<ToldLease, 'granted'> =>
  row.lease_instance === null
    ? {}
    : {
        granted: {
          instance: row.lease_instance,
          amount: BigInt(row.lease_granted ?? 0),
          held: BigInt(row.lease_held ?? 0),
          atMs: Number(row.lease_granted_at_ms),
        },
      };

const leaseOf = (row: ChargeRow): Pick<ToldAttempt, 'lease'> =>
  row.lease_id === null
    ? {}
    : {
        lease: {
          id: row.lease_id,
          ...grantOf(row),
          ...(row.lease_ends_at_ms === null ? {} : { endsAtMs: Number(row.lease_ends_at_ms) }),
          ...(row.lease_closed_at_ms === null ? {} : { closedAtMs: Number(row.lease_closed_at_ms) }),
        },
      };

const attemptOf = (rows: readonly ChargeRow[], lastRow: ChargeRow): ToldAttempt => {
  const revisions = rows.map(revisionOf);
  const last = revisionOf(lastRow);
  const parts = rows.map(partsOf).reduce(plus);
  const borne = parts.credits + parts.waste + parts.variance + parts.byok;
  const cost = last.lines === undefined ? borne - parts.surcharge : totalOf(last.lines);
  return {
    attemptId: lastRow.attempt_id,
    provider: lastRow.provider,
    endpointId: lastRow.endpoint_id,
    model: lastRow.model,
    cost,
    ...parts,
    unbilled: cost + parts.surcharge - borne,
    ...leaseOf(lastRow),
    quotas: lastRow.quota_set,
    revisions,
    last,
  };
};

const whoseOf = (row: ChargeRow | undefined): Pick<ToldGeneration, 'whose'> =>
  row === undefined
    ? {}
    : {
        whose: {
          workspaceId: row.workspace_id,
          keyHash: row.key_hash,
          ...(row.member_id === null ? {} : { memberId: row.member_id }),
          ...(row.end_user_id === null ? {} : { endUserId: row.end_user_id }),
          ...(row.app === null ? {} : { app: row.app }),
          ...(row.tags === null ? {} : { tags: row.tags }),
        },
      };

export const tellGeneration = ({ charges, waiting }: GenerationRows): ToldGeneration => ({
  ...whoseOf(charges[0]),
  attempts: [...Map.groupBy(charges, (row) => row.attempt_id).values()].flatMap((rows) => {
    const last = rows.at(-1);
    return last === undefined ? [] : [attemptOf(rows, last)];
  }),
  waiting: waiting.map(({ attempt_id, due_at_ms }) => ({ attemptId: attempt_id, dueAtMs: Number(due_at_ms) })),
});
