// What is taken on top of what a call costs at its price: the markup of its workspace, or the fee for a call with the customer's own provider key. One mechanism: a
// rate, the base it is of, and the account it goes to. Half up to the picodollar, once per charge.
import { ACCOUNTS } from './entry.js';

/** A rate is in parts per million of its base: 75 000 is 7.5 %. */
export const PARTS_PER_MILLION = 1_000_000n;

export type SurchargeAccount = typeof ACCOUNTS.markup | typeof ACCOUNTS.fees;

/** With a customer's own key the provider bills the customer, and what we take is a fee; everywhere else it is a markup on what we are billed. */
export const surchargeAccountOf = (byok: boolean): SurchargeAccount => (byok ? ACCOUNTS.fees : ACCOUNTS.markup);

/** Rates of a workspace, in parts per million. Absent is none. */
export interface SurchargeRates {
  readonly markupPpm?: number | undefined;
  readonly byokFeePpm?: number | undefined;
}

/** The one rate that an attempt is charged by. */
export const surchargeRateOf = ({ markupPpm = 0, byokFeePpm = 0 }: SurchargeRates, byok: boolean): number =>
  byok ? byokFeePpm : markupPpm;

/** Picodollars on top of `base`, half up. Grows with its base, so that the surcharge of a bound is a bound of the surcharge. */
export const surchargeOf = (base: bigint, ratePpm: number): bigint =>
  (base * BigInt(ratePpm) + PARTS_PER_MILLION / 2n) / PARTS_PER_MILLION;

/** By whom a surcharge is borne, in picodollars: the sum is the surcharge. */
interface SurchargeBearers {
  readonly lease: bigint;
  readonly credit: bigint;
  readonly variance: bigint;
}

const between = (amount: bigint, a: bigint, b: bigint): bigint => {
  const [low, high] = a < b ? [a, b] : [b, a];
  return amount < low ? low : amount > high ? high : amount;
};

/**
 * Which part of what was borne goes to the surcharge's account; the rest is the provider's. What could not be had of a customer is short in the surcharge first, so
 * that the provider's part comes from where the customer's money is; what goes back goes back to credit first.
 */
export const bearersOfSurcharge = (surcharge: bigint, borne: SurchargeBearers): SurchargeBearers => {
  if (surcharge >= 0n) {
    const variance = between(surcharge, 0n, borne.variance > 0n ? borne.variance : 0n);
    const lease = between(surcharge - variance, 0n, borne.lease);
    return { variance, lease, credit: surcharge - variance - lease };
  }
  const credit = between(surcharge, borne.credit < 0n ? borne.credit : 0n, 0n);
  const variance = between(surcharge - credit, borne.variance < 0n ? borne.variance : 0n, 0n);
  return { variance, lease: 0n, credit: surcharge - variance };
};
