// The rules of money: quota sets and windows, leases, settlement, the outcome policy, the witnesses. Pure: no clock, no I/O.
export { NOTHING, PARTS, countedBy, isNothing, minus, plus, type Amounts } from './amounts.js';
export {
  NO_CHARGE,
  emptyBook,
  entriesOf,
  evolve,
  newWallet,
  type Book,
  type ChargeState,
  type Decided,
  type LeaseState,
  type LedgerEvent,
  type QuotaState,
} from './book.js';
export {
  CACHE_HIT,
  OUTCOME_POLICY,
  creditsOf,
  decideCharge,
  policyRowOf,
  type Bearer,
  type ChargeDecision,
  type ChargeFacts,
  type OutcomePolicyRow,
  type Payer,
} from './decide-charge.js';
export {
  decideAutoTopUp,
  waitAfterFailures,
  type AutoTopUpDecision,
  type AutoTopUpFacts,
  type AutoTopUpState,
} from './decide-auto-topup.js';
export { decideCreditGrant, type GrantCredits } from './decide-credits.js';
export {
  decideLeaseClose,
  decideLeaseGrant,
  decideLeaseRenew,
  decideLeaseReturn,
  recountByok,
  type GrantLease,
  type LeaseAnswer,
  type LeaseTerms,
  type LeaseTimes,
  type Shortage,
} from './decide-lease.js';
export { OPEN_LOTS_MAX, decidePromoExpiry, decidePromoGrant, promotionalOf, type GrantPromo } from './decide-promo.js';
export { decideRerate } from './decide-rerate.js';
export { decideSettlement, touchesQuotas, type Charged, type Settlement } from './decide-settlement.js';
export {
  decideChargeback,
  decideChargebackReversal,
  decideOutsideRefund,
  decideRefund,
  decideRefundFailure,
  decideTopUp,
  refundableOf,
  type FeeRefundPolicy,
  type RefundTopUp,
  type TopUp,
} from './decide-topup.js';
export { ACCOUNTS, foldBalances, type Entry, type EntryKind } from './entry.js';
export {
  NO_EVIDENCE,
  addsTo,
  conclude,
  isComplete,
  merge,
  type Evidence,
  type OutcomeWitness,
  type UsageWitness,
} from './evidence.js';
export { guardrailBudgetsOf, quotaOfGuardrail, type GuardrailBudget } from './guardrail-budgets.js';
export { leftOf, paymentAfter, type Paid, type PaymentEvent, type PaymentState } from './payment.js';
export { remainingOf, type LotState, type PromoEvent } from './promo.js';
export {
  QUOTAS_PER_CALL_MAX,
  byId,
  dependsOnCall,
  keyLimitWindow,
  quotaOfLimit,
  quotaSetOf,
  walletQuotaId,
  type QuotaSubjects,
} from './quota-set.js';
export { windowEnd, windowStart, type QuotaWindow } from './quota-window.js';
export { mayComeBack, refusalOf } from './refusal.js';
export {
  PARTS_PER_MILLION,
  surchargeAccountOf,
  surchargeOf,
  surchargeRateOf,
  type SurchargeAccount,
  type SurchargeRates,
} from './surcharge.js';
export {
  DEFAULT_FEE_POLICY,
  PICODOLLARS_PER_CENT,
  fromCents,
  toCents,
  topUpFeeCents,
  type FeePolicy,
} from './topup-fee.js';
