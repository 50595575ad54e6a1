// Prices as operators and price lists write them (USD as decimal text, per million tokens or characters, or per piece) → picodollars per unit. Exact, or rounded and reported.
// One USD per million tokens is a million picodollars per token, so six decimals are exact; per request, image, search unit and second twelve are.
import { PIECE_CLASSES, USAGE_CLASSES } from '@waystation/generation';

/** Dearest accepted price: 10,000 USD per million tokens. Above it somebody mistook the unit. */
const USD_PER_MILLION_MAX = 10_000n;
const PICODOLLARS_PER_TOKEN_PER_USD = 1_000_000n;
const PICODOLLARS_PER_USD = 1_000_000_000_000n;
const USD_PER_PIECE_MAX = 100n;
/** No price list goes further: more digits are a slip, such as the result of a division. */
const DECIMALS_MAX = 12;

/** Paid by the piece, with the word for one; the rest, characters too, is paid by the million, as price lists write it. */
const PIECES: ReadonlyMap<string, string> = new Map([
  ['request', 'request'],
  ['inputImages', 'image'],
  ['outputImages', 'image'],
  ['searchUnits', 'search unit'],
  ['seconds', 'second'],
]);
/** Everything that a price may be for. */
export const PRICE_UNITS: readonly string[] = [...USAGE_CLASSES, 'request', ...PIECE_CLASSES];

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
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > DECIMALS_MAX) return { fault: `has more than ${DECIMALS_MAX} decimals (${text})` };
  return { whole: BigInt(match[1] ?? '0'), fraction };
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
  return { picodollars: whole * unit + kept + up, rounded: rest !== '' };
};

/** `"0.15"` USD per million tokens → 150000 picodollars per token. */
export const readUsdPerMillion = (text: string, counted = 'token'): PriceReading => {
  const decimal = readDecimal(text);
  if ('fault' in decimal) return decimal;
  if (decimal.whole > USD_PER_MILLION_MAX)
    return {
      fault: `is more than ${USD_PER_MILLION_MAX} USD per million ${counted}s (${text}); the unit is USD per million ${counted}s`,
    };
  const reading = scale(decimal, PICODOLLARS_PER_TOKEN_PER_USD, 6);
  if (reading.picodollars === 0n && reading.rounded)
    return {
      fault: `is less than a picodollar per ${counted} (${text}); the unit is USD per million ${counted}s, not per ${counted}`,
    };
  return reading;
};

/** `"0.01"` USD per request, image, … → picodollars. Always exact: it has no more decimals than a picodollar. */
export const readUsdPerPiece = (text: string, piece: string): PriceReading => {
  const decimal = readDecimal(text);
  if ('fault' in decimal) return decimal;
  if (decimal.whole > USD_PER_PIECE_MAX)
    return { fault: `is more than ${USD_PER_PIECE_MAX} USD per ${piece} (${text}); the unit is USD per ${piece}` };
  return scale(decimal, PICODOLLARS_PER_USD, DECIMALS_MAX);
};

/** A price in the unit that goes with what it is for. */
export const readPrice = (unit: string, text: string): PriceReading => {
  const piece = PIECES.get(unit);
  return piece === undefined
    ? readUsdPerMillion(text, unit === 'characters' ? 'character' : 'token')
    : readUsdPerPiece(text, piece);
};
