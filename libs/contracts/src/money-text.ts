// Money as people and SDKs see it: picodollars ↔ decimal USD text, exact in both directions.
const PICODOLLARS_PER_USD = 1_000_000_000_000n;
const PPM_PER_PERCENT = 10_000;

/** `1500000000n` → `0.0015`. Exact; no trailing zeros, never an exponent. */
export const formatUsd = (pico: bigint): string => {
  const sign = pico < 0n ? '-' : '';
  const absolute = pico < 0n ? -pico : pico;
  const fraction = (absolute % PICODOLLARS_PER_USD).toString().padStart(12, '0').replace(/0+$/, '');
  const whole = (absolute / PICODOLLARS_PER_USD).toString();
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
};

/** A rate in parts per million as percent: `75000` → `7.5`. Exact; at most four decimals. */
export const percentOf = (partsPerMillion: number): string => String(partsPerMillion / PPM_PER_PERCENT);

/** `7.5` → `75000`. Undefined where it is no share, is below zero, or has more than four decimals. */
export const ppmOfPercent = (percent: number): number | undefined => {
  const ppm = Math.round(percent * PPM_PER_PERCENT);
  return ppm >= 0 && Number.isSafeInteger(ppm) && ppm / PPM_PER_PERCENT === percent ? ppm : undefined;
};

/** `0.0015` → `1500000000n`. At most 12 decimals. Returns undefined where the text is not a plain decimal amount. */
export const parseUsd = (text: string): bigint | undefined => {
  const match = /^(-)?(\d{1,26})(?:\.(\d{1,12}))?$/.exec(text);
  if (!match) return undefined;
  const pico = BigInt(match[2] ?? '0') * PICODOLLARS_PER_USD + BigInt((match[3] ?? '').padEnd(12, '0'));
  return match[1] ? -pico : pico;
};
