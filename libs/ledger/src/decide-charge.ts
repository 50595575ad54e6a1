// Who pays for an attempt, and how much. The outcome policy is a table: one row for every outcome, with and without output in the client's hands.
// Whatever a provider reports, a customer never pays more than was held, and never a negative amount.
import { priceUsage } from '@waystation/catalog';
import type { PriceVector } from '@waystation/contracts';
import type { Outcome, Usage, UsageSource } from '@waystation/generation';
import { surchargeOf } from './surcharge.js';

/** `customer`: from the workspace's credits. `nobody`: what the provider bills is ours to bear, on the account `waste`. */
export type Bearer = 'customer' | 'nobody';

export interface OutcomePolicyRow {
  /** Shown on each generation as the reason of its charge. */
  readonly name: string;
  readonly bearer: Bearer;
  readonly why: string;
}

interface OutcomePolicy {
  readonly served: OutcomePolicyRow;
  readonly unserved: OutcomePolicyRow;
}

const row = (name: string, bearer: Bearer, why: string): OutcomePolicyRow => ({ name, bearer, why });

/** `served`: the client got output of this attempt. `unserved`: it got none. */
export const OUTCOME_POLICY: Readonly<Record<Outcome, OutcomePolicy>> = {
  completed: {
    served: row('completed', 'customer', 'The completion was delivered.'),
    unserved: row('completed-unserved', 'nobody', 'The attempt completed, but another one served the client.'),
  },
  empty: {
    served: row('empty', 'nobody', 'The completion held nothing.'),
    unserved: row('empty', 'nobody', 'The completion held nothing.'),
  },
  refused: {
    served: row('refused', 'nobody', 'The provider refused to answer.'),
    unserved: row('refused', 'nobody', 'The provider refused to answer.'),
  },
  'failed-before-output': {
    served: row('failed-before-output', 'nobody', 'The attempt failed before any output.'),
    unserved: row('failed-before-output', 'nobody', 'The attempt failed before any output.'),
  },
  'failed-after-output': {
    served: row('failed-after-output', 'customer', 'The stream broke; what was delivered until then is charged.'),
    unserved: row('failed-unserved', 'nobody', 'The stream broke before the client got any of it.'),
  },
  cancelled: {
    served: row('cancelled-after-output', 'customer', 'The client left; what was used until then is charged.'),
    unserved: row(
      'cancelled-before-output',
      'nobody',
      'The client got nothing of it: it had left before, or another endpoint that was asked at the same time was quicker.',
    ),
  },
  'timed-out': {
    served: row('timed-out-after-output', 'customer', 'The time ran out; what was delivered until then is charged.'),
    unserved: row('timed-out-before-output', 'nobody', 'The time ran out before any output.'),
  },
  // Whatever its worker read of it, its caller had turned away before.
  'passed-over': {
    served: row(
      'passed-over',
      'nobody',
      'No worker took the attempt in time, or it was lost, or it was the slower of two; another one was made.',
    ),
    unserved: row(
      'passed-over',
      'nobody',
      'No worker took the attempt in time, or it was lost, or it was the slower of two; another one was made.',
    ),
  },
};

/** Of a generation that was answered without an attempt: there is nothing to decide, and its record names this row. */
export const CACHE_HIT: OutcomePolicyRow = row(
  'cache-hit',
  'nobody',
  'The answer to the same request was kept and given again; no provider was asked.',
);

export interface ChargeFacts {
  readonly outcome: Outcome;
  /** Whether the client got output of this attempt. */
  readonly served: boolean;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  /** The tier that served, as far as anybody said. */
  readonly serviceTier?: string | undefined;
  readonly price: PriceVector;
  /** What was held for it: no customer pays more. */
  readonly holdPicodollars: bigint;
  /** The provider bills the customer directly; nothing is owed to it by us. */
  readonly byok: boolean;
  /** On top of what it costs, in parts per million, as it was when the hold was taken. Absent: none. */
  readonly surchargePpm?: number | undefined;
}

export type Payer = 'credits' | 'waste' | 'variance' | 'byok';

export interface ChargeDecision {
  /** Picodollars that `payer` bears of what it costs at its price. Never negative, and never above the hold where a customer pays. */
  readonly amount: bigint;
  /** `byok`: the amount is what it would have cost; it is counted and not booked. */
  readonly payer: Payer;
  readonly policyRow: string;
  /** What the provider's count costs beyond the hold: owed to it, and borne by the account `variance`. Absent where nothing is. */
  readonly variance?: bigint;
  /** On top, from the customer's credits, as far as the hold goes: the provider's part comes first. Absent where nothing is. */
  readonly surcharge?: bigint;
}

/** What a decision asks of the customer's credits in all. */
export const creditsOf = ({
  amount,
  payer,
  surcharge = 0n,
}: Pick<ChargeDecision, 'amount' | 'payer' | 'surcharge'>): bigint => (payer === 'credits' ? amount : 0n) + surcharge;

const POLICY_ROWS: ReadonlyMap<string, OutcomePolicyRow> = new Map(
  [...Object.values(OUTCOME_POLICY).flatMap(({ served, unserved }) => [served, unserved]), CACHE_HIT].map((each) => [
    each.name,
    each,
  ]),
);

/** The reason behind a policy row's name, for people. */
export const policyRowOf = (name: string): OutcomePolicyRow | undefined => POLICY_ROWS.get(name);

/** Only a provider's own count is evidence that it bills us; an estimate is not, nor is a failure that reported nothing. */
const isBilled = (facts: ChargeFacts): boolean =>
  facts.usageSource !== 'estimated' && Object.values(facts.usage).some((count) => count > 0);

/** The surcharge, as far as there is room for it in the hold. */
const onTop = ({ surchargePpm = 0 }: ChargeFacts, cost: bigint, room: bigint): Pick<ChargeDecision, 'surcharge'> => {
  const asked = surchargeOf(cost, surchargePpm);
  const surcharge = asked < room ? asked : room;
  return surcharge === 0n ? {} : { surcharge };
};

/** Applies the outcome policy to one attempt. */
export const decideCharge = (facts: ChargeFacts): ChargeDecision => {
  const policy = OUTCOME_POLICY[facts.outcome][facts.served ? 'served' : 'unserved'];
  const cost = priceUsage(facts.price, facts.usage, facts.serviceTier);
  const decided = { policyRow: policy.name };
  if (policy.bearer === 'nobody') {
    return { ...decided, amount: isBilled(facts) ? cost : 0n, payer: facts.byok ? 'byok' : 'waste' };
  }
  const hold = facts.holdPicodollars > 0n ? facts.holdPicodollars : 0n;
  if (facts.byok) return { ...decided, amount: cost, payer: 'byok', ...onTop(facts, cost, hold) };
  if (cost <= hold) return { ...decided, amount: cost, payer: 'credits', ...onTop(facts, cost, hold - cost) };
  return { ...decided, amount: hold, payer: 'credits', ...(isBilled(facts) ? { variance: cost - hold } : {}) };
};
