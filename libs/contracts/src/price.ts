// The price vector: picodollars per unit, by usage class. Immutable; its version is the hash of its canonical JSON.
import { z } from 'zod';
import { count, picodollarsUnsigned } from './scalars.js';

const perUnit = z.record(z.string().max(64), picodollarsUnsigned);

const rates = z.object({
  /**
   * Picodollars per unit of each usage class: a token, or a piece where the class counts pieces. A class that is absent falls back as
   * libs/catalog says (cache to input, reasoning to output).
   */
  perUnit,
  /** Picodollars per request. */
  perRequest: picodollarsUnsigned.optional(),
  /** Prices that replace `perUnit` when the prompt has more than `aboveInputTokens` tokens, cached ones included. The highest that applies wins, whole. */
  tiers: z
    .array(z.object({ aboveInputTokens: count, perUnit }))
    .max(8)
    .optional(),
});

export const priceVector = rates.extend({
  /** Prices that replace all of the above where the call was served at this service tier (`flex`, `priority`). A tier that is not named costs the above. */
  serviceTiers: z.record(z.string().max(32), rates).optional(),
});
export type PriceVector = z.infer<typeof priceVector>;
/** What one service tier charges: a vector of its own. */
export type PriceRates = z.infer<typeof rates>;
