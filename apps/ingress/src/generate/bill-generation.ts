// What the generation costs, by the same pure functions that billing charges with. Unknown while its usage is pending: then billing's second witness decides.
import { priceUsage } from '@waystation/catalog';
import type { ChatBill } from '@waystation/dialects';
import { creditsOf, decideCharge, type ChargeDecision } from '@waystation/ledger';
import { inputTokens, type Usage, type UsageSource } from '@waystation/generation';
import { saidTokens } from '../attempt/continuation.js';
import { holdOf, type PlanHold } from '../hold/take-hold.js';
import type { AttemptRecord, Generation } from './generation.js';

const OUTPUT_CLASSES: ReadonlySet<string> = new Set([
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
  'outputImages',
]);

export interface Billed {
  readonly decision: ChargeDecision;
  readonly bill: ChatBill;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
}

/** The charge of the attempt that served; undefined where its usage is not known here. */
export const billAttempt = (record: AttemptRecord, holdPicodollars: bigint): Billed | undefined => {
  const { usage, usageSource, serviceTier, outcome, planned } = record;
  if (usage === 'pending') return undefined;
  const decision = decideCharge({
    outcome,
    served: true,
    usage,
    usageSource,
    serviceTier,
    price: planned.price,
    holdPicodollars,
    byok: planned.byok,
    surchargePpm: planned.surchargePpm,
  });
  const total = priceUsage(planned.price, usage, serviceTier);
  const promptCost = priceUsage(planned.price, usage, serviceTier, OUTPUT_CLASSES);
  return {
    decision,
    usage,
    usageSource,
    bill: {
      usage,
      cost: creditsOf(decision),
      promptCost,
      completionCost: total - promptCost,
      byok: planned.byok,
    },
  };
};

const sumOf = (one: Usage, other: Usage): Usage => {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};

/**
 * What the client is told of an answer that two attempts made: the sum of both. How an attempt that broke off is charged is its worker's to tell, as ever; until then its
 * prompt is estimated, at no more than was counted where the text so far was part of it, and its output is what went out.
 */
export const billBoth = (
  { continuedFrom, request }: Pick<Generation, 'continuedFrom' | 'request'>,
  hold: PlanHold,
  billed: Billed | undefined,
): Billed | undefined => {
  if (continuedFrom === undefined || billed === undefined) return billed;
  const { usage } = continuedFrom;
  const estimated = {
    input: Math.min(request.features.inputTokensEstimate, inputTokens(billed.usage)),
    output: saidTokens(continuedFrom),
  };
  const first = billAttempt({ ...continuedFrom, usage: usage === 'pending' ? estimated : usage }, holdOf(hold));
  if (first === undefined) return billed;
  const { bill } = billed;
  const both = sumOf(first.usage, billed.usage);
  return {
    decision: billed.decision,
    usage: both,
    usageSource: usage === 'pending' ? 'estimated' : billed.usageSource,
    bill: {
      usage: both,
      cost: first.bill.cost + bill.cost,
      promptCost: first.bill.promptCost + bill.promptCost,
      completionCost: first.bill.completionCost + bill.completionCost,
      byok: bill.byok && first.bill.byok,
    },
  };
};
