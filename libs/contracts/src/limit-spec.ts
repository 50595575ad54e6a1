// A limit of a workspace: what may be spent, asked or used by it or those in it, by window. A quota is a limit in one window for one of whom it limits.
// A limit is named by what it says, not by an id, so that raising it keeps what was spent.
import { z } from 'zod';
import { picodollarsUnsigned } from './scalars.js';

export const LIMIT_SCOPES = ['workspace', 'member', 'key', 'end-user', 'tag'] as const;
export const LIMIT_METRICS = ['usd', 'requests', 'tokens'] as const;
export const LIMIT_WINDOWS = ['minute', 'day', 'week', 'month', 'lifetime'] as const;

/** What a limit is named by. */
export const limitName = z.object({
  scope: z.enum(LIMIT_SCOPES),
  /** Whom it limits; absent: each of them by itself. A limit of the workspace has none. */
  scopeId: z.string().min(1).max(512).optional(),
  metric: z.enum(LIMIT_METRICS),
  window: z.enum(LIMIT_WINDOWS),
  /** It meets only calls whose whole plan costs nothing. */
  freeOnly: z.boolean().optional(),
});
export type LimitName = z.infer<typeof limitName>;

export const limitSpec = limitName.extend({
  /** In the unit of the metric: picodollars, requests, tokens. */
  limit: picodollarsUnsigned,
  /** Of a money limit: whether what own provider keys cost counts, too. */
  includeByok: z.boolean().optional(),
});
export type LimitSpec = z.infer<typeof limitSpec>;

/** Limits of one workspace. */
export const LIMITS_MAX = 64;
