// The price vector: picodollars per unit, by usage class. Immutable; its version is the hash of its canonical JSON.
import { z } from 'zod';
import { count, picodollarsUnsigned } from './scalars.js';

const perUnit = z.record(z.string().max(64), picodollarsUnsigned);

export const priceVector = z.object({
  /** Picodollars per unit (token) of each usage class. A class that is absent falls back as libs/catalog says (cache to input, reasoning to output). */
  perUnit,
  /** Picodollars per request. */
  perRequest: picodollarsUnsigned.optional(),
  /** Prices that replace `perUnit` when the prompt has more than `aboveInputTokens` tokens. The highest that applies wins, whole. */
  tiers: z
    .array(z.object({ aboveInputTokens: count, perUnit }))
    .max(8)
    .optional(),
});
export type PriceVector = z.infer<typeof priceVector>;
