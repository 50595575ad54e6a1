// Price × usage, exact to the picodollar. The cost a client is shown and the cost the ledger books both come from here and from nowhere else.
// Pure: the same vector and the same counts give the same amount, for ever; a price version is the hash of what is computed with.
import type { PriceRates, PriceVector } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';

/** Class whose price stands in where a vector does not name one of its own. Part of what a stored version means: it is never changed, only added to. */
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
const classesOf = (side: 'input' | 'output'): ReadonlySet<string> =>
  new Set([side, ...Object.keys(FALLBACK_CLASS).filter((name) => FALLBACK_CLASS[name] === side)]);
const INPUT_CLASSES = classesOf('input');
const OUTPUT_CLASSES = classesOf('output');

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

const promptTokensOf = (usage: Usage): number => {
  let total = 0;
  for (const unit of INPUT_CLASSES) total += wholeCount(usage[unit] ?? 0);
  return total;
};

/** Names of one tier that providers have two for. https://platform.openai.com/docs/guides/priority-processing, Anthropic's `speed: fast` */
const SAME_TIER: Readonly<Record<string, string>> = { fast: 'priority' };

const ownRates = (price: PriceVector, serviceTier: string): PriceRates | undefined => {
  const { serviceTiers } = price;
  if (serviceTiers === undefined) return undefined;
  const name = [serviceTier, SAME_TIER[serviceTier]].find(
    (each) => each !== undefined && Object.hasOwn(serviceTiers, each),
  );
  return name === undefined ? undefined : serviceTiers[name];
};

/** What is charged at this service tier: its own rates where the vector names it, and the vector itself everywhere else. */
const ratesFor = (price: PriceVector, serviceTier: string | undefined): PriceRates =>
  (serviceTier === undefined ? undefined : ownRates(price, serviceTier)) ?? price;

const tierFor = (rates: PriceRates, promptTokens: number): PerUnit => {
  let perUnit: PerUnit = rates.perUnit;
  let reached = -1;
  for (const tier of rates.tiers ?? []) {
    if (promptTokens > tier.aboveInputTokens && tier.aboveInputTokens > reached) {
      reached = tier.aboveInputTokens;
      perUnit = tier.perUnit;
    }
  }
  return perUnit;
};

/** The prices per unit for a prompt of this size at this service tier: those of the highest tier below it, whole, or the base. */
export const perUnitFor = (price: PriceVector, promptTokens: number, serviceTier?: string): PerUnit =>
  tierFor(ratesFor(price, serviceTier), promptTokens);

/** The prices per unit for this usage. How long its prompt is matters only where there are tiers of it. */
const perUnitOf = (rates: PriceRates, usage: Usage): PerUnit =>
  rates.tiers === undefined ? rates.perUnit : tierFor(rates, promptTokensOf(usage));

const pricedAs = (perUnit: PerUnit, unit: string): string | undefined => {
  if (Object.hasOwn(perUnit, unit)) return unit;
  const fallback = Object.hasOwn(FALLBACK_CLASS, unit) ? FALLBACK_CLASS[unit] : undefined;
  return fallback !== undefined && Object.hasOwn(perUnit, fallback) ? fallback : undefined;
};

/** Picodollars for one of this class, its fallback counted; zero where neither has a price. */
export const unitPrice = (perUnit: PerUnit, unit: string): bigint => {
  const name = pricedAs(perUnit, unit);
  return name === undefined ? 0n : BigInt(perUnit[name] ?? 0);
};

/**
 * The bill line by line, in the order of the usage map; the fee per request last. Its amounts add up to `priceUsage`.
 * @param serviceTier the tier that served, as the provider told it, or else as it was asked for
 */
export const itemise = (price: PriceVector, usage: Usage, serviceTier?: string): CostLine[] => {
  const rates = ratesFor(price, serviceTier);
  const perUnit = perUnitOf(rates, usage);
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
  const perRequest = BigInt(rates.perRequest ?? 0);
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

/**
 * What this usage costs at this price, in picodollars. Classes that the vector neither names nor covers by a fallback are free.
 * @param without classes that are left out of the sum; the rest is priced as it is with them
 */
export const priceUsage = (
  price: PriceVector,
  usage: Usage,
  serviceTier?: string,
  without?: ReadonlySet<string>,
): bigint => {
  const rates = ratesFor(price, serviceTier);
  const perUnit = perUnitOf(rates, usage);
  let total = BigInt(rates.perRequest ?? 0);
  for (const unit in usage) {
    const count = without?.has(unit) === true ? 0 : wholeCount(usage[unit] ?? 0);
    if (count > 0) total += BigInt(count) * unitPrice(perUnit, unit);
  }
  return total;
};

const everyPerUnit = ({ perUnit, tiers = [] }: PriceRates): PerUnit[] => [
  perUnit,
  ...tiers.map((tier) => tier.perUnit),
];

/**
 * What this vector has no price for although `before` has one, among these usage classes at this service tier, in words; undefined where nothing is lacking.
 * A class counts as priced by its fallback too.
 */
export const lacksPriceFor = (
  price: PriceVector,
  before: PriceVector,
  classes: readonly string[],
  serviceTier?: string,
): string | undefined => {
  if (
    serviceTier !== undefined &&
    ownRates(before, serviceTier) !== undefined &&
    ownRates(price, serviceTier) === undefined
  )
    return `the service tier ${serviceTier}`;
  const [old, own] = [everyPerUnit(ratesFor(before, serviceTier)), everyPerUnit(ratesFor(price, serviceTier))];
  const lacking = classes.find(
    (unit) =>
      old.some((perUnit) => pricedAs(perUnit, unit) !== undefined) &&
      own.some((perUnit) => pricedAs(perUnit, unit) === undefined),
  );
  return lacking === undefined ? undefined : `the usage class ${lacking}`;
};

/** Of the classes of one side. Only those with a price of their own need a look: the others fall back to one of them. */
const dearest = (perUnit: PerUnit, classes: ReadonlySet<string>): bigint => {
  let highest = 0n;
  for (const unit in perUnit) {
    if (!classes.has(unit)) continue;
    const price = BigInt(perUnit[unit] ?? 0);
    if (price > highest) highest = price;
  }
  return highest;
};

/** Words by which a client leaves the service tier to the provider. */
const ANY_TIER: ReadonlySet<string> = new Set(['auto']);

/**
 * The service tiers that a call may be served at: where one is asked for, that one or the standard one (providers lower a call whose tier is full);
 * where none is, any.
 */
const reachableRates = (price: PriceVector, asked: string | undefined): PriceRates[] => {
  if (asked === undefined || ANY_TIER.has(asked)) return [price, ...Object.values(price.serviceTiers ?? {})];
  const own = ownRates(price, asked);
  return own === undefined ? [price] : [price, own];
};

/** The most that a call can use. */
export interface UsageBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of classes that count pieces; absent is none. */
  readonly pieces?: Readonly<Record<string, number>>;
}

/**
 * The most that a call within the bound can cost: each token at the dearest class of its side, at the dearest tier that such a prompt can reach, at the
 * dearest service tier that it may be served at. It is what is held, so it is never below `priceUsage` of any usage within the bound.
 * @param askedTier the service tier that the request asks for
 */
export const boundCost = (price: PriceVector, bound: UsageBound, askedTier?: string): bigint => {
  const input = wholeCount(bound.inputTokens);
  const output = wholeCount(bound.outputTokens);
  const pieces = Object.entries(bound.pieces ?? {});
  let highest = 0n;
  for (const rates of reachableRates(price, askedTier)) {
    const reachable = (rates.tiers ?? []).filter((tier) => input > tier.aboveInputTokens);
    for (const { perUnit } of [rates, ...reachable]) {
      let cost = BigInt(rates.perRequest ?? 0);
      cost += BigInt(input) * dearest(perUnit, INPUT_CLASSES) + BigInt(output) * dearest(perUnit, OUTPUT_CLASSES);
      for (const [unit, count] of pieces) cost += BigInt(wholeCount(count)) * unitPrice(perUnit, unit);
      if (cost > highest) highest = cost;
    }
  }
  return highest;
};

const sorted = <Value>(members: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Keys and tiers in order, nothing that has no effect. */
const canonicalRates = (rates: PriceRates): PriceRates => {
  const perRequest = BigInt(rates.perRequest ?? 0);
  const tiers = [...(rates.tiers ?? [])].sort((a, b) => a.aboveInputTokens - b.aboveInputTokens);
  return {
    ...(perRequest > 0n ? { perRequest: perRequest.toString() } : {}),
    perUnit: sorted(rates.perUnit),
    ...(tiers.length > 0
      ? { tiers: tiers.map((tier) => ({ aboveInputTokens: tier.aboveInputTokens, perUnit: sorted(tier.perUnit) })) }
      : {}),
  };
};

/** The one spelling of a vector. Vectors that charge alike by construction are spelled alike. */
export const canonicalPriceJson = (price: PriceVector): string => {
  const serviceTiers = Object.entries(price.serviceTiers ?? {}).map(
    ([name, rates]) => [name, canonicalRates(rates)] as const,
  );
  return JSON.stringify({
    ...canonicalRates(price),
    ...(serviceTiers.length > 0 ? { serviceTiers: sorted(Object.fromEntries(serviceTiers)) } : {}),
  });
};

/** `price-<32 hex>`: the id of a price version is the hash of what it charges. `sha256hex` hashes UTF-8 text to lower-case hex. */
export const priceVersionOf = (price: PriceVector, sha256hex: (text: string) => string): string =>
  `price-${sha256hex(canonicalPriceJson(price)).slice(0, 32)}`;
