// Decimal amounts as text, and nothing but text: a price that went through a float would not be the price that somebody published.

interface Digits {
  readonly digits: bigint;
  /** `digits` × 10^-scale. */
  readonly scale: number;
}

const NUMBER = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

const read = (text: string): Digits => {
  const match = NUMBER.exec(text);
  if (match === null) throw new Error(`${JSON.stringify(text)} is not a decimal number`);
  const fraction = match[2] ?? '';
  return { digits: BigInt((match[1] ?? '') + fraction), scale: fraction.length - Number(match[3] ?? 0) };
};

const write = (digits: bigint, scale: number): string => {
  if (scale <= 0) return (digits * 10n ** BigInt(-scale)).toString();
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, '0');
  const fraction = text.slice(-scale).replace(/0+$/, '');
  return `${negative ? '-' : ''}${text.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`;
};

/** A JSON number as plain decimal text, times 10^`places`: `1.5e-7` by 6 → `0.15`. Exact. */
export const shiftDecimal = (text: string, places: number): string => {
  const { digits, scale } = read(text);
  return write(digits, scale - places);
};

/** Half up to so many decimals; the same text where it has no more than these. */
export const roundDecimal = (text: string, decimals: number): string => {
  const { digits, scale } = read(text);
  if (scale <= decimals) return write(digits, scale);
  const unit = 10n ** BigInt(scale - decimals);
  return write((digits + unit / 2n) / unit, decimals);
};

export const isZero = (text: string): boolean => read(text).digits === 0n;
export const isNegative = (text: string): boolean => read(text).digits < 0n;

export const isAbove = (text: string, limit: bigint): boolean => {
  const { digits, scale } = read(text);
  return scale > 0 ? digits > limit * 10n ** BigInt(scale) : digits * 10n ** BigInt(-scale) > limit;
};

/** Whether two amounts lie more than so many per cent of the larger apart. */
export const differByMore = (one: string, other: string, percent: bigint): boolean => {
  const [a, b] = [read(one), read(other)];
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [a, b].map(({ digits, scale: own }) => digits * 10n ** BigInt(scale - own)) as [bigint, bigint];
  const apart = x > y ? x - y : y - x;
  return apart * 100n > (x > y ? x : y) * percent;
};
