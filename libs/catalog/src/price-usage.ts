// Price × usage, exact to the picodollar. The cost a client is shown and the cost the ledger books both come from here and from nowhere else.
// Pure: the same vector and the same counts give the same amount, for ever; a price version is the hash of what is computed with.
import type { PriceVector } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';

/** Class whose price stands in where a vector does not name one of its own. */
const FALLBACK_CLASS: Readonly<Record<string, 'input' | 'output'>> = {
  cacheRead: 'input',
  cacheWrite: 'input',
  cacheWrite1h: 'input',
  audioInput: 'input',
  imageInput: 'input',
  reasoning: 'output',
  audioOutput: 'output',
  imageOutput: 'output',
};
const INPUT_CLASSES = ['input', ...Object.keys(FALLBACK_CLASS).filter((name) => FALLBACK_CLASS[name] === 'input')];
const OUTPUT_CLASSES = ['output', ...Object.keys(FALLBACK_CLASS).filter((name) => FALLBACK_CLASS[name] === 'output')];

/** One line of a bill. */
export interface CostLine {
  /** Usage class, or `request` for the fee per request. */
  readonly unit: string;
  readonly count: number;
  /** The class whose price was applied: `unit` itself, or the one it falls back to. Absent where the vector has no price for it. */
  readonly pricedAs?: string;
  readonly unitPicodollars: bigint;
  readonly amountPicodollars: bigint;
}

type PerUnit = PriceVector['perUnit'];

/** Whole, non-negative counts only: what no provider can mean (negative, not a number) counts as nothing. */
const wholeCount = (count: number): number => (count > 0 ? Math.min(Math.ceil(count), Number.MAX_SAFE_INTEGER) : 0);

const promptTokensOf = (usage: Usage): number =>
  INPUT_CLASSES.reduce((total, unit) => total + wholeCount(usage[unit] ?? 0), 0);

/** The prices for a prompt of this size: those of the highest tier below it, whole, or the base. */
const perUnitFor = (price: PriceVector, promptTokens: number): PerUnit => {
  let perUnit: PerUnit = price.perUnit;
  let reached = -1;
  for (const tier of price.tiers ?? []) {
    if (promptTokens > tier.aboveInputTokens && tier.aboveInputTokens > reached) {
      reached = tier.aboveInputTokens;
      perUnit = tier.perUnit;
    }
  }
  return perUnit;
};

const pricedAs = (perUnit: PerUnit, unit: string): string | undefined => {
  if (Object.hasOwn(perUnit, unit)) return unit;
  const fallback = Object.hasOwn(FALLBACK_CLASS, unit) ? FALLBACK_CLASS[unit] : undefined;
  return fallback !== undefined && Object.hasOwn(perUnit, fallback) ? fallback : undefined;
};

const unitPrice = (perUnit: PerUnit, unit: string): bigint => {
  const name = pricedAs(perUnit, unit);
  return name === undefined ? 0n : BigInt(perUnit[name] ?? 0);
};

/** The bill line by line, in the order of the usage map; the fee per request last. Its amounts add up to `priceUsage`. */
export const itemise = (price: PriceVector, usage: Usage): CostLine[] => {
  const perUnit = perUnitFor(price, promptTokensOf(usage));
  const lines: CostLine[] = [];
  for (const [unit, reported] of Object.entries(usage)) {
    const count = wholeCount(reported);
    if (count === 0) continue;
    const name = pricedAs(perUnit, unit);
    const unitPicodollars = unitPrice(perUnit, unit);
    lines.push({
      unit,
      count,
      ...(name === undefined ? {} : { pricedAs: name }),
      unitPicodollars,
      amountPicodollars: BigInt(count) * unitPicodollars,
    });
  }
  const perRequest = BigInt(price.perRequest ?? 0);
  if (perRequest > 0n)
    lines.push({
      unit: 'request',
      count: 1,
      pricedAs: 'request',
      unitPicodollars: perRequest,
      amountPicodollars: perRequest,
    });
  return lines;
};

/** What this usage costs at this price, in picodollars. Classes that the vector neither names nor covers by a fallback are free. */
export const priceUsage = (price: PriceVector, usage: Usage): bigint => {
  const perUnit = perUnitFor(price, promptTokensOf(usage));
  let total = BigInt(price.perRequest ?? 0);
  for (const unit in usage) {
    const count = wholeCount(usage[unit] ?? 0);
    if (count > 0) total += BigInt(count) * unitPrice(perUnit, unit);
  }
  return total;
};

const dearest = (perUnit: PerUnit, classes: readonly string[]): bigint =>
  classes.reduce((highest, unit) => {
    const price = unitPrice(perUnit, unit);
    return price > highest ? price : highest;
  }, 0n);

/**
 * The most that a call with at most so many prompt and completion tokens can cost: each token at the dearest class of its side, at the dearest
 * tier that such a prompt can reach. Units that are not tokens (a vector may name them) are not bounded here.
 */
export const boundCost = (
  price: PriceVector,
  bound: { readonly inputTokens: number; readonly outputTokens: number },
): bigint => {
  const input = wholeCount(bound.inputTokens);
  const reachable = [
    price.perUnit,
    ...(price.tiers ?? []).filter((tier) => input > tier.aboveInputTokens).map((tier) => tier.perUnit),
  ];
  const costs = reachable.map(
    (perUnit) =>
      BigInt(input) * dearest(perUnit, INPUT_CLASSES) +
      BigInt(wholeCount(bound.outputTokens)) * dearest(perUnit, OUTPUT_CLASSES),
  );
  return BigInt(price.perRequest ?? 0) + costs.reduce((highest, cost) => (cost > highest ? cost : highest), 0n);
};

const sorted = (perUnit: PerUnit): PerUnit =>
  Object.fromEntries(Object.entries(perUnit).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The one spelling of a vector: keys and tiers in order, nothing that has no effect. Vectors that charge alike by construction are spelled alike. */
export const canonicalPriceJson = (price: PriceVector): string => {
  const perRequest = BigInt(price.perRequest ?? 0);
  const tiers = [...(price.tiers ?? [])].sort((a, b) => a.aboveInputTokens - b.aboveInputTokens);
  return JSON.stringify({
    ...(perRequest > 0n ? { perRequest: perRequest.toString() } : {}),
    perUnit: sorted(price.perUnit),
    ...(tiers.length > 0
      ? { tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, perUnit: sorted(tier.perUnit) })) }
      : {}),
  });
};

/** `price-<32 hex>`: the id of a price version is the hash of what it charges. `sha256hex` hashes UTF-8 text to lower-case hex. */
export const priceVersionOf = (price: PriceVector, sha256hex: (text: string) => string): string =>
  `price-${sha256hex(canonicalPriceJson(price)).slice(0, 32)}`;
