// What the generation costs, by the same pure functions that billing charges with. Unknown while its usage is pending: then billing's second witness decides.
import { priceUsage } from '@waystation/catalog';
import type { ChatBill } from '@waystation/dialects';
import { creditsOf, decideCharge, type ChargeDecision } from '@waystation/ledger';
import type { Usage } from '@waystation/generation';
import type { AttemptRecord } from './generation.js';

const OUTPUT_CLASSES: ReadonlySet<string> = new Set([
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
  'outputImages',
]);

const withoutOutput = (usage: Usage): Usage =>
  Object.fromEntries(Object.entries(usage).filter(([name]) => !OUTPUT_CLASSES.has(name)));

export interface Billed {
  readonly decision: ChargeDecision;
  readonly bill: ChatBill;
  readonly usage: Usage;
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
  const promptCost = priceUsage(planned.price, withoutOutput(usage), serviceTier);
  return {
    decision,
    usage,
    bill: {
      usage,
      cost: creditsOf(decision),
      promptCost,
      completionCost: total - promptCost,
      byok: planned.byok,
    },
  };
};
