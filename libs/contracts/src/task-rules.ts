// Task rules: which models `waystation/auto` chooses for what, as a workspace sets it. Conditions are CEL; libs/tasks knows what they may speak of.
import { z } from 'zod';

/** Of one workspace. */
export const TASK_RULES_MAX = 32;
export const TASK_CONDITION_CHARACTERS_MAX = 1_024;

/** Bands of price among the models that can serve a request: its cheapest fifth is `low`, its dearest `max`. */
export const COST_TIERS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
export type CostTier = (typeof COST_TIERS)[number];

export const taskRule = z.strictObject({
  /** Told with every decision that it makes. */
  name: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    .max(64),
  /** A CEL expression that is true or false. */
  when: z.string().min(1).max(TASK_CONDITION_CHARACTERS_MAX),
  /** Ids of models in order, `*` for any text. Absent: any model. */
  models: z.array(z.string().min(1).max(256)).min(1).max(16).optional(),
  tier: z.enum(COST_TIERS).optional(),
  /** How the endpoints of the models are ordered, where the request does not say. */
  sort: z.enum(['price', 'throughput', 'latency']).optional(),
  /** Only endpoints that retain nothing. */
  zdr: z.boolean().optional(),
  /** Only providers that neither retain nor train. */
  denyDataCollection: z.boolean().optional(),
});
export type TaskRule = z.infer<typeof taskRule>;

/** The first whose condition holds decides. */
export const taskRules = z.array(taskRule).max(TASK_RULES_MAX);
