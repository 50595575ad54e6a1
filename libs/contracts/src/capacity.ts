// What a provider's credential can take, as whoever set it says it, and what workers tell of its use. Neither holds anything of the credential.
import { z } from 'zod';
import { count } from './scalars.js';

const limit = z.number().int().min(1).max(1_000_000_000_000);

/** A minute is any sixty seconds. Tokens are those of prompt and answer. What is absent is not limited. */
export const capacityLimits = z.object({
  requestsPerMinute: limit.optional(),
  tokensPerMinute: limit.optional(),
  inFlight: limit.optional(),
});
export type CapacityLimits = z.infer<typeof capacityLimits>;

/** Use of one credential, as one worker counts it: absolute counts by slots of its own clock, and what is in flight there. */
export const capacityUse = z.object({
  id: z.string().min(1).max(64),
  inFlight: count,
  slots: z.array(z.object({ slot: count, requests: count, tokens: count })).max(32),
});
export type CapacityUse = z.infer<typeof capacityUse>;
