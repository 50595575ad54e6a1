// Why a generation was charged, as `GET /generation` shows it beside the reference's fields: attempt by attempt, money as exact decimal text in USD.
import { formatUsd, percentOf, type BillingGenerationExplain, type GenerationRecorded } from '@waystation/contracts';
import type { z } from 'zod';

/** What billing has booked of a generation. */
export type Booked = z.infer<typeof BillingGenerationExplain.reply>;
type Attempt = NonNullable<Booked['attempts']>[number];

export const NOTHING_BOOKED: Booked = { charges: [], attempts: [] };

const usdText = (picodollars: string): string => formatUsd(BigInt(picodollars));
const isoOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** Every attempt that can have reached a provider is booked. Without a record only billing knows of attempts. */
export const isSettled = (record: GenerationRecorded | undefined, { charges, waiting = [] }: Booked): boolean =>
  record === undefined
    ? waiting.length === 0
    : record.attempts.every(
        ({ attemptId, dispatched }) => dispatched === false || charges.some((charge) => charge.attemptId === attemptId),
      );

const surchargeInfo = ({ surcharge }: Attempt) =>
  surcharge === undefined
    ? null
    : {
        account: surcharge.account,
        percent: percentOf(surcharge.ratePpm),
        amount: usdText(surcharge.amountPicodollars),
      };

const partsInfo = ({ credits, waste, variance, byok }: Pick<Attempt, 'credits' | 'waste' | 'variance' | 'byok'>) => ({
  credits: usdText(credits),
  waste: usdText(waste),
  variance: usdText(variance),
  byok: usdText(byok),
});

const lineInfo = ({ unit, count, pricedAs, unitPicodollars, amountPicodollars }: Attempt['lines'][number]) => ({
  unit,
  count,
  priced_as: pricedAs ?? null,
  unit_price: usdText(unitPicodollars),
  amount: usdText(amountPicodollars),
});

const revisionInfo = (revision: Attempt['revisions'][number]) => ({
  revision: revision.revision,
  settled_at: isoOf(revision.settledAt),
  reason: revision.reason,
  ...partsInfo(revision),
  surcharge: usdText(revision.surcharge ?? '0'),
  outcome: revision.outcome,
  policy_row: revision.policyRow,
  usage: revision.usage,
  usage_source: revision.usageSource,
  witnesses: { outcome: revision.outcomeBy, usage: revision.usageBy },
  price_version: revision.priceVersion,
  rerate_id: revision.rerateId ?? null,
});

/** `cost` is the sum of the lines; with the surcharge it is the sum of what was paid from credits, borne as waste or variance, paid by the customer's own key, or billed by nobody. */
const attemptInfo = (attempt: Attempt) => ({
  attempt_id: attempt.attemptId,
  provider: attempt.provider,
  endpoint_id: attempt.endpointId,
  model: attempt.model,
  price_version: attempt.priceVersion,
  service_tier: attempt.serviceTier ?? null,
  lines: attempt.lines.map(lineInfo),
  cost: usdText(attempt.cost),
  surcharge: surchargeInfo(attempt),
  policy: { row: attempt.policyRow, bearer: attempt.bearer ?? null, why: attempt.why ?? null },
  paid: { ...partsInfo(attempt), unbilled: usdText(attempt.unbilled) },
  hold: {
    amount: usdText(attempt.hold),
    lease:
      attempt.lease === undefined
        ? null
        : {
            id: attempt.lease.id,
            ends_at: isoOf(attempt.lease.endsAt),
            closed_at: isoOf(attempt.lease.closedAt),
          },
    quotas: attempt.quotas,
  },
  history: attempt.revisions.map(revisionInfo),
});

export const chargeInfo = ({ attempts = [] }: Booked) => attempts.map(attemptInfo);
