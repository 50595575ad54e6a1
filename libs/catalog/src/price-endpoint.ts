// A price as text → the exact vector that is hashed and charged with, and which of an endpoint's prices is in force. Every fault is told with its place.
import type { PriceRates, PriceVector } from '@waystation/contracts';
import { PRICE_UNITS, readPrice } from './price-text.js';
import type { EndpointSource, Locate, PriceSource, RatesSource } from './provider-source.js';

/** Where faults and roundings are told. */
export interface PriceNotes {
  readonly locate: Locate;
  readonly faults: string[];
  readonly roundings: string[];
}

/** A vector of an endpoint and from when on it holds; `undefined` for the one that the endpoint began with. */
export interface DatedPrice {
  readonly price: PriceVector;
  readonly effectiveAtMs: number | undefined;
}

/** The standard tier is the vector itself. */
const STANDARD_TIERS: readonly string[] = ['default', 'standard', 'auto'];

type Path = readonly (string | number)[];

const readPrices = (
  prices: Readonly<Record<string, string>>,
  path: Path,
  notes: PriceNotes,
): Record<string, string> => {
  const read: Record<string, string> = {};
  for (const [unit, text] of Object.entries(prices)) {
    const where = notes.locate([...path, unit]);
    const reading = PRICE_UNITS.includes(unit)
      ? readPrice(unit, text)
      : { fault: `has no unit; known are ${PRICE_UNITS.join(', ')}` };
    if ('fault' in reading) {
      notes.faults.push(`${where}: the ${unit} price ${reading.fault}`);
      continue;
    }
    if (reading.rounded)
      notes.roundings.push(`${where}: the ${unit} price ${text} is rounded to ${reading.picodollars} picodollars`);
    read[unit] = reading.picodollars.toString();
  }
  return read;
};

const ratesOf = (source: RatesSource, path: Path, notes: PriceNotes): PriceRates => {
  const { request: perRequest, ...perUnit } = readPrices(source.price, [...path, 'price'], notes);
  const sizes = new Set<number>();
  const tiers = (source.tiers ?? []).map(({ aboveInputTokens, price }, index) => {
    const at = [...path, 'tiers', index];
    if (sizes.has(aboveInputTokens))
      notes.faults.push(
        `${notes.locate([...at, 'aboveInputTokens'])}: there is another tier above ${aboveInputTokens} tokens`,
      );
    sizes.add(aboveInputTokens);
    if (price['request'] !== undefined)
      notes.faults.push(
        `${notes.locate([...at, 'price', 'request'])}: the request price does not change with the prompt; it stands in the price itself`,
      );
    return { aboveInputTokens, perUnit: readPrices(price, [...at, 'price'], notes) };
  });
  return {
    perUnit,
    ...(perRequest === undefined ? {} : { perRequest }),
    ...(tiers.length === 0 ? {} : { tiers }),
  };
};

const vectorOf = (source: PriceSource, path: Path, notes: PriceNotes): PriceVector => {
  const rates = ratesOf(source, path, notes);
  const named = Object.entries(source.serviceTiers ?? {});
  for (const [name] of named)
    if (STANDARD_TIERS.includes(name))
      notes.faults.push(
        `${notes.locate([...path, 'serviceTiers', name])}: "${name}" is no tier of its own: it costs what the price itself says`,
      );
  if (named.length === 0) return rates;
  const serviceTiers = named.map(
    ([name, each]) => [name, ratesOf(each, [...path, 'serviceTiers', name], notes)] as const,
  );
  return { ...rates, serviceTiers: Object.fromEntries(serviceTiers) };
};

/** Every price of an endpoint, by the time from which it holds; undefined with a fault told. */
export const pricesOf = (source: EndpointSource, notes: PriceNotes): DatedPrice[] | undefined => {
  const faultsBefore = notes.faults.length;
  const times = new Set<number>();
  const first: DatedPrice = { price: vectorOf(source, [], notes), effectiveAtMs: undefined };
  const changes = (source.priceChanges ?? []).map((change, index): DatedPrice & { readonly effectiveAtMs: number } => {
    const { effectiveAtMs } = change;
    if (times.has(effectiveAtMs))
      notes.faults.push(
        `${notes.locate(['priceChanges', index, 'effectiveAt'])}: another price holds from ${new Date(effectiveAtMs).toISOString()} on`,
      );
    times.add(effectiveAtMs);
    return { price: vectorOf(change, ['priceChanges', index], notes), effectiveAtMs };
  });
  if (notes.faults.length > faultsBefore) return undefined;
  return [first, ...changes.sort((a, b) => a.effectiveAtMs - b.effectiveAtMs)];
};

/** The last of these whose time has come. */
export const priceInForce = (prices: readonly DatedPrice[], nowMs: number): DatedPrice | undefined =>
  prices.findLast(({ effectiveAtMs }) => effectiveAtMs === undefined || effectiveAtMs <= nowMs);
