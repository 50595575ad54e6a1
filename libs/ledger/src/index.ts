// The rules of money: quota sets and windows, the outcome policy. Pure: no clock, no I/O.
export {
  OUTCOME_POLICY,
  decideCharge,
  policyRowOf,
  type Bearer,
  type ChargeDecision,
  type ChargeFacts,
  type OutcomePolicyRow,
  type Payer,
} from './decide-charge.js';
export { byId, keyLimitWindow, quotaSetOf, walletQuotaId } from './quota-set.js';
export { windowEnd, windowStart, type QuotaWindow } from './quota-window.js';
