// Prices that are asked about, as text, to those that plans and charges are made with. Exact, or refused.
import { PRICE_UNITS, readPrice } from '@waystation/catalog';
import type { DecisionChange, PriceVector } from '@waystation/contracts';

/** By endpoint. */
export type PriceBook = ReadonlyMap<string, PriceVector>;

export const readPrices = (
  prices: DecisionChange['prices'],
): { readonly prices: PriceBook } | { readonly fault: string } => {
  const read = new Map<string, PriceVector>();
  for (const [endpointId, texts] of Object.entries(prices ?? {})) {
    const perUnit: Record<string, string> = {};
    for (const [unit, text] of Object.entries(texts)) {
      const where = `prices: ${endpointId}: the ${unit} price`;
      if (!PRICE_UNITS.includes(unit)) return { fault: `${where} has no unit; known are ${PRICE_UNITS.join(', ')}` };
      const reading = readPrice(unit, text);
      if ('fault' in reading) return { fault: `${where} ${reading.fault}` };
      if (reading.rounded) return { fault: `${where} is finer than a picodollar (${text})` };
      perUnit[unit] = reading.picodollars.toString();
    }
    const { request, ...rest } = perUnit;
    read.set(endpointId, { perUnit: rest, ...(request === undefined ? {} : { perRequest: request }) });
  }
  return { prices: read };
};
