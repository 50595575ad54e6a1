// What a charge comes to at another price, and the sum of many such differences. Pure: the plan shows exactly what would be decided.
import type { PriceVector, RerateDifference, RerateTotals } from '@waystation/contracts';
import { creditsOf, decideCharge, type ChargeDecision } from '@waystation/ledger';
import type { Borne, SelectedCharge } from './selected-charges.js';

/** A charge before and after. */
export interface Difference {
  readonly charge: SelectedCharge;
  readonly versionAfter: string;
  readonly after: Borne;
}

export interface Totals {
  readonly attempts: number;
  readonly changed: number;
  readonly before: Borne;
  readonly after: Borne;
}

const NOTHING: Borne = { charged: 0n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n };
export const NO_TOTALS: Totals = { attempts: 0, changed: 0, before: NOTHING, after: NOTHING };

/** The outcome policy at another price: everything else about the attempt is as it was. */
export const decideAt = ({ backing, evidence }: SelectedCharge, price: PriceVector): ChargeDecision =>
  decideCharge({
    ...evidence,
    price,
    byok: backing.byok,
    surchargePpm: backing.surchargePpm,
    holdPicodollars: BigInt(backing.hold),
  });

/** What a decision asks for, where all of it can be had. */
export const borneBy = (decision: ChargeDecision): Borne => {
  const { amount, payer, variance = 0n, surcharge = 0n } = decision;
  return {
    charged: creditsOf(decision),
    waste: payer === 'waste' ? amount : 0n,
    variance: variance + (payer === 'variance' ? amount : 0n),
    byok: payer === 'byok' ? amount : 0n,
    surcharge,
  };
};

export const plus = (a: Borne, b: Borne): Borne => ({
  charged: a.charged + b.charged,
  waste: a.waste + b.waste,
  variance: a.variance + b.variance,
  byok: a.byok + b.byok,
  surcharge: a.surcharge + b.surcharge,
});

/** What we owe the provider for it. */
const payable = ({ charged, waste, variance, surcharge }: Borne): bigint => charged + waste + variance - surcharge;

const differs = (a: Borne, b: Borne): boolean =>
  a.charged !== b.charged ||
  a.waste !== b.waste ||
  a.variance !== b.variance ||
  a.byok !== b.byok ||
  a.surcharge !== b.surcharge;

export const add = (totals: Totals, { charge, after }: Pick<Difference, 'charge' | 'after'>): Totals => ({
  attempts: totals.attempts + 1,
  changed: totals.changed + (differs(charge.borne, after) ? 1 : 0),
  before: plus(totals.before, charge.borne),
  after: plus(totals.after, after),
});

const asText = ({ charged, waste, variance, byok, surcharge }: Borne) => ({
  charged: charged.toString(),
  waste: waste.toString(),
  variance: variance.toString(),
  byok: byok.toString(),
  surcharge: surcharge.toString(),
});

/** What came before, and what was added to it. */
export const differenceOfSums = (before: Borne, more: Borne) => between(before, plus(before, more));

const between = (before: Borne, after: Borne) => ({
  before: asText(before),
  after: asText(after),
  chargedDifference: (after.charged - before.charged).toString(),
  payableDifference: (payable(after) - payable(before)).toString(),
});

export const differenceInfo = ({ charge, versionAfter, after }: Difference): RerateDifference => {
  const { generationId, attemptId, workspaceId, endpointId, model, priceVersion } = charge.backing;
  const { serviceTier } = charge.evidence;
  return {
    ...{ generationId, attemptId, workspaceId, endpointId, model },
    ...(serviceTier === undefined ? {} : { serviceTier }),
    versionBefore: priceVersion,
    versionAfter,
    ...between(charge.borne, after),
  };
};

export const totalsInfo = ({ attempts, changed, before, after }: Totals): RerateTotals => ({
  attempts,
  changed,
  ...between(before, after),
});

const COLUMNS: readonly (readonly [name: string, of: (difference: RerateDifference) => string])[] = [
  ['generation_id', (each) => each.generationId],
  ['attempt_id', (each) => each.attemptId],
  ['workspace_id', (each) => each.workspaceId],
  ['endpoint_id', (each) => each.endpointId],
  ['model', (each) => each.model],
  ['service_tier', (each) => each.serviceTier ?? ''],
  ['price_version_before', (each) => each.versionBefore],
  ['price_version_after', (each) => each.versionAfter],
  ['charged_before_picodollars', (each) => each.before.charged],
  ['charged_after_picodollars', (each) => each.after.charged],
  ['charged_difference_picodollars', (each) => each.chargedDifference],
  ['waste_after_picodollars', (each) => each.after.waste],
  ['variance_after_picodollars', (each) => each.after.variance],
  ['payable_difference_picodollars', (each) => each.payableDifference],
  ['surcharge_after_picodollars', (each) => each.after.surcharge],
];

/** A spreadsheet takes a field that begins so for a formula; amounts may be negative and are none. */
const FORMULA = /^[=+@\t\r]|^-(?!\d+$)/;

const field = (text: string): string => {
  const plain = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
};

/** RFC 4180 lines; the head line where the page is the first. */
export const differencesCsv = (differences: readonly RerateDifference[], withHead: boolean): string =>
  [
    ...(withHead ? [COLUMNS.map(([name]) => name)] : []),
    ...differences.map((each) => COLUMNS.map(([, of]) => field(of(each)))),
  ]
    .map((fields) => `${fields.join(',')}\r\n`)
    .join('');
