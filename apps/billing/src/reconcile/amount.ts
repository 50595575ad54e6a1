// Decimal amounts as providers write them → picodollars. What is finer than a picodollar is rounded half away from zero: providers give doubles.
const DECIMAL = /^([+-]?)(\d{1,20})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,2}))?$/;

/** `scale` is how many decimal digits of the unit a picodollar has: 12 for dollars, 10 for cents. Undefined where the text is no decimal number. */
export const picodollarsFrom = (text: string, scale: number): bigint | undefined => {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '0', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  const shift = scale + Number(exponent) - fraction.length;
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : roundedHalfUp(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -size : size;
};

const roundedHalfUp = (digits: bigint, divisor: bigint): bigint => (digits + divisor / 2n) / divisor;
