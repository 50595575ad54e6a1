// The fee of a top-up: on top of the credits, half up to the cent, since cards charge cents. What a card is charged is credits plus fee, to the cent.

/** One US cent in picodollars. */
export const PICODOLLARS_PER_CENT = 10_000_000_000n;

const BASIS_POINTS = 10_000n;

/** Configuration of whoever runs the station. */
export interface FeePolicy {
  /** Of the credits, in hundredths of a percent: 550n is 5.5 %. */
  readonly basisPoints: bigint;
  readonly leastCents: bigint;
}

/** What most of the field takes: 5.5 %, at least $0.80. */
export const DEFAULT_FEE_POLICY: FeePolicy = { basisPoints: 550n, leastCents: 80n };

/** Fee in cents for so many cents of credits. */
export const topUpFeeCents = (creditsCents: bigint, { basisPoints, leastCents }: FeePolicy): bigint => {
  const share = (creditsCents * basisPoints + BASIS_POINTS / 2n) / BASIS_POINTS;
  return share > leastCents ? share : leastCents;
};

/** Whole cents as picodollars. */
export const fromCents = (cents: bigint): bigint => cents * PICODOLLARS_PER_CENT;

/** Picodollars as cents; undefined where they are no whole number of cents. */
export const toCents = (picodollars: bigint): bigint | undefined =>
  picodollars % PICODOLLARS_PER_CENT === 0n ? picodollars / PICODOLLARS_PER_CENT : undefined;
