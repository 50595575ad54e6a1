// A routing decision as it is kept: what was asked (never any content), what the router held, what it planned, and what came of that. And the calls that show
// decisions and plan them again under other circumstances.
import { z } from 'zod';
import { FINISH_REASONS, OUTCOMES } from '@waystation/generation';
import { plannedAttempt, providerPreferences, routeFeatures, routePlanReply } from './route.js';
import { routingInputs } from './routing-inputs.js';
import {
  count,
  endpointId,
  generationId,
  identity,
  keyHash,
  modelId,
  picodollars,
  picodollarsUnsigned,
  providerSlug,
  serviceTier,
  surchargePpm,
  unixMs,
  usage,
} from './scalars.js';

/** Which name of the station's own chose the models, by which rule, and what it took the task for. */
export const modelsChosenBy = z.object({
  router: z.string().max(64),
  rule: z.string().max(64).optional(),
  task: z.string().max(64).optional(),
  difficulty: z.string().max(16).optional(),
});

/** TRAIL, by the ingress, for a decision that was asked for or drawn. Best effort, as all of the trail. */
export const decisionRecorded = z.object({
  kind: z.literal('decision.recorded'),
  v: z.literal(1),
  generationId,
  identity,
  createdAt: unixMs,
  /** `asked`: by a header of the request. `drawn`: one of the configured share. */
  because: z.enum(['asked', 'drawn']),
  /** As planned: without a model in the request, the workspace's default. */
  models: z.array(modelId).min(1).max(32),
  /** Who chose them, where the request left that to the station. Planned again are the models, and not the choice. */
  chosenBy: modelsChosenBy.optional(),
  preferences: providerPreferences,
  features: routeFeatures,
  policyIds: z.array(z.string().max(64)).max(16),
  plan: routePlanReply.omit({ inputs: true, attempts: true }).extend({
    attempts: z
      .array(
        plannedAttempt.pick({
          endpointId: true,
          model: true,
          provider: true,
          providerName: true,
          priceVersion: true,
          price: true,
          credentialId: true,
          byok: true,
          dropParameters: true,
        }),
      )
      .max(16),
  }),
  /** Absent where they were too large to keep. */
  inputs: routingInputs.optional(),
  /** What the workspace paid on top, in parts per million. Absent: nothing. */
  markupPpm: surchargePpm.optional(),
  byokFeePpm: surchargePpm.optional(),
  tried: z
    .array(
      z.object({
        endpointId,
        credentialId: z.string().max(64).optional(),
        outcome: z.enum(OUTCOMES),
        errorCode: z.string().max(64).optional(),
      }),
    )
    .max(32),
  /** Absent where nobody served. */
  served: z
    .object({
      endpointId,
      credentialId: z.string().max(64).optional(),
      outcome: z.enum(OUTCOMES),
      finishReason: z.enum(FINISH_REASONS).optional(),
      serviceTier: serviceTier.optional(),
      /** With what was charged for it; absent while only billing can know. */
      usage: usage.optional(),
      usageSource: z.enum(['provider', 'estimated', 'clamped']).optional(),
      costPicodollars: picodollarsUnsigned.optional(),
    })
    .optional(),
  /** Why nobody was asked, or nobody answered. */
  errorCode: z.string().max(64).optional(),
});
export type DecisionRecorded = z.infer<typeof decisionRecorded>;

const names = (max: number) => z.array(z.string().min(1).max(256)).max(max);

/** What is to be different when decisions are planned again. One shape for the bus, the route and the command line. */
export const decisionChange = z.strictObject({
  /** Catalog, prices, policies and own keys as they were (`recorded`, the default), or as they are now. */
  against: z.enum(['recorded', 'present']).optional(),
  /** As it was (the default), or as if no endpoint had ever failed and no key been refused; how quick they were stays, and what keys had no capacity for. */
  health: z.enum(['recorded', 'stable']).optional(),
  /** Endpoints as if they failed every call: nobody is sent there with the station's key, and with an own key last. */
  down: z.array(endpointId).max(1000).optional(),
  /** In place of every policy that applied; the members are those of a guardrail, and of a policy of the configuration. */
  policy: z
    .strictObject({
      allowed_models: names(4096).optional(),
      ignored_models: names(4096).optional(),
      allowed_providers: names(1024).optional(),
      ignored_providers: names(1024).optional(),
      allowed_regions: names(64).optional(),
      enforce_zdr: z.boolean().optional(),
      enforce_zdr_anthropic: z.boolean().optional(),
      enforce_zdr_openai: z.boolean().optional(),
      enforce_zdr_google: z.boolean().optional(),
      enforce_zdr_xai: z.boolean().optional(),
      enforce_zdr_other: z.boolean().optional(),
      data_collection: z.enum(['allow', 'deny']).optional(),
      sort: z.enum(['price', 'throughput', 'latency', 'exacto']).optional(),
    })
    .optional(),
  /** By endpoint, in place of the catalog's, whole: USD as text, per million or per piece, as in the configuration. */
  prices: z.record(endpointId, z.record(z.string().max(64), z.string().max(64))).optional(),
  exclude_providers: names(64).optional(),
});
export type DecisionChange = z.infer<typeof decisionChange>;

const choice = z.object({
  endpointId,
  model: modelId,
  provider: providerSlug,
  byok: z.boolean(),
});

/** One decision, and what would have been decided. */
export const decisionDifference = z.object({
  generationId,
  createdAt: unixMs,
  /** Who is affected. */
  keyHash,
  memberId: z.string().max(64).optional(),
  endUserId: z.string().max(512).optional(),
  app: z.string().max(512).optional(),
  models: z.array(modelId).max(32),
  /** `same`: the same endpoint with the same key. `refused`: nothing would have been left. `unplanned`: it cannot be planned again; `because` says why. */
  result: z.enum(['same', 'moved', 'refused', 'unplanned']),
  because: z.string().max(512).optional(),
  before: choice.optional(),
  after: choice.optional(),
  /** What was charged, and what the same usage would have been charged. Absent where no usage is known, or nobody would have served. */
  costBefore: picodollarsUnsigned.optional(),
  costAfter: picodollarsUnsigned.optional(),
  difference: picodollars.optional(),
});
export type DecisionDifference = z.infer<typeof decisionDifference>;

/** Rows of one call. Each takes a plan, and the process has other things to do. */
export const DECISIONS_PER_CALL_MAX = 500;
export const decisionsAsked = {
  from: unixMs,
  to: unixMs,
  limit: z.number().int().min(1).max(DECISIONS_PER_CALL_MAX),
  /** Exclusive: where the last answer ended. */
  after: generationId.optional(),
  change: decisionChange,
};

export const decisionsPlannedAgain = z.object({
  rows: z.array(decisionDifference).max(DECISIONS_PER_CALL_MAX),
  /** Where the next call goes on, be it that rows are fewer than was asked for, so that they fit into a message; absent at the end. */
  next: generationId.optional(),
  /** Revision of the catalog that was planned against, where that is the present one. */
  revision: count.optional(),
});
