// Prices as operators and price lists write them (USD per million tokens, decimal text) ↔ picodollars per token. Exact, or rounded and reported.
// One USD per million tokens is a million picodollars per token, so six decimals are exact.

/** Dearest accepted price: 10,000 USD per million tokens. Above it somebody mistook the unit. */
const USD_PER_MILLION_MAX = 10_000n;
const PICODOLLARS_PER_TOKEN_PER_USD = 1_000_000n;
const PICODOLLARS_PER_USD = 1_000_000_000_000n;

export type PriceReading =
  | {
      readonly picodollars: bigint;
      /** The text had more digits than whole picodollars can hold. */ readonly rounded: boolean;
    }
  | { readonly fault: string };

interface Decimal {
  readonly whole: bigint;
  readonly fraction: string;
}

const readDecimal = (text: string): Decimal | { readonly fault: string } => {
  if (text.startsWith('-')) return { fault: `is negative (${text})` };
  const match = /^(\d{1,20})(?:\.(\d{1,40}))?$/.exec(text);
  if (match === null) return { fault: `is not a plain decimal amount such as "0.15" (${text.slice(0, 40)})` };
  return { whole: BigInt(match[1] ?? '0'), fraction: match[2] ?? '' };
};

/** Amount × unit, half up to the whole. `unitDigits` is the number of zeros in the unit. */
const scale = (
  { whole, fraction }: Decimal,
  unit: bigint,
  unitDigits: number,
): { picodollars: bigint; rounded: boolean } => {
  const kept = BigInt(fraction.slice(0, unitDigits).padEnd(unitDigits, '0'));
  const rest = fraction.slice(unitDigits);
  const up = rest !== '' && rest.charAt(0) >= '5' ? 1n : 0n;
  return { picodollars: whole * unit + kept + up, rounded: /[1-9]/.test(rest) };
};

/** `"0.15"` USD per million tokens → 150000 picodollars per token. */
export const readUsdPerMillion = (text: string): PriceReading => {
  const decimal = readDecimal(text);
  if ('fault' in decimal) return decimal;
  if (decimal.whole > USD_PER_MILLION_MAX)
    return {
      fault: `is more than ${USD_PER_MILLION_MAX} USD per million tokens (${text}); the unit is USD per million tokens`,
    };
  const reading = scale(decimal, PICODOLLARS_PER_TOKEN_PER_USD, 6);
  if (reading.picodollars === 0n && reading.rounded)
    return {
      fault: `is less than a picodollar per token (${text}); the unit is USD per million tokens, not per token`,
    };
  return reading;
};

/** `"0.01"` USD per request → picodollars. */
export const readUsdPerRequest = (text: string): PriceReading => {
  const decimal = readDecimal(text);
  if ('fault' in decimal) return decimal;
  if (decimal.whole > 100n) return { fault: `is more than 100 USD per request (${text})` };
  return scale(decimal, PICODOLLARS_PER_USD, 12);
};
