// route.plan: features in, an ordered plan out. Prompts never go to the router.
import { z } from 'zod';
import { capacityLimits } from './capacity.js';
import { defineRpc } from './contract.js';
import { priceVector } from './price.js';
import {
  count,
  endpointId,
  generationId,
  identity,
  modelId,
  picodollarsUnsigned,
  priceVersionId,
  providerSlug,
  quirks,
  surchargePpm,
  unixMs,
} from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

/** The `provider` object of the request, validated strictly at the ingress. Field semantics: the reference, section 5. */
export const providerPreferences = z.object({
  order: z.array(z.string().max(128)).max(64).optional(),
  only: z.array(z.string().max(128)).max(64).optional(),
  ignore: z.array(z.string().max(128)).max(64).optional(),
  allowFallbacks: z.boolean().optional(),
  requireParameters: z.boolean().optional(),
  dataCollection: z.enum(['allow', 'deny']).optional(),
  zdr: z.boolean().optional(),
  enforceDistillableText: z.boolean().optional(),
  quantizations: z.array(z.string().max(16)).max(32).optional(),
  sort: z
    .object({
      /** Absent: as a variant of the model or a policy says, if any does. */
      by: z.enum(['price', 'throughput', 'latency', 'exacto']).optional(),
      partition: z.enum(['model', 'none']).optional(),
    })
    .optional(),
  /** Picodollars per token (prompt, completion) and per unit (request, image, audio). */
  maxPrice: z
    .object({
      prompt: picodollarsUnsigned.optional(),
      completion: picodollarsUnsigned.optional(),
      request: picodollarsUnsigned.optional(),
      image: picodollarsUnsigned.optional(),
      audio: picodollarsUnsigned.optional(),
    })
    .optional(),
  preferredMinThroughput: z.partialRecord(z.enum(['p50', 'p75', 'p90', 'p99']), z.number()).optional(),
  preferredMaxLatency: z.partialRecord(z.enum(['p50', 'p75', 'p90', 'p99']), z.number()).optional(),
});
export type ProviderPreferences = z.infer<typeof providerPreferences>;

/** What routing may know of a request. Derived from the body at the ingress; holds no text of the prompt. */
export const routeFeatures = z.object({
  api: z.enum([
    'chat',
    'completions',
    'responses',
    'messages',
    'embeddings',
    'rerank',
    'images',
    'speech',
    'transcriptions',
  ]),
  /** The dialect of the public request; endpoints of the same dialect pass bytes through. */
  dialect: z.string().max(64),
  stream: z.boolean(),
  bodyBytes: count,
  /** A bound on the prompt's tokens, from its bytes or a tokenizer. */
  inputTokensEstimate: count,
  /** What must fit into a context at once, where that is not the whole prompt: the longest of several inputs. */
  longestInputTokens: count.optional(),
  /** What the client asked for; absent where it did not say. */
  maxOutputTokens: count.optional(),
  /** Names of the request's parameters, as in `supported_parameters`: tools, response_format, reasoning, … */
  parameters: z.array(z.string().max(64)).max(64),
  inputModalities: z.array(z.enum(['text', 'image', 'audio', 'video', 'file'])).max(5),
  outputModalities: z.array(z.enum(['text', 'image', 'audio', 'video', 'file'])).max(5),
  /** The prompt may be shortened to fit: into contexts of at most 8,192 tokens, or into any of half its length. Absent: it may not. */
  compression: z.enum(['small-endpoints', 'always']).optional(),
  toolCount: count,
  messageCount: count,
  /** Hash of the conversation (session id, prompt cache key or opening messages), for affinity. */
  conversation: z.string().max(64).optional(),
  serviceTier: z.string().max(32).optional(),
  /** Features that task rules may use; open, so that a rule can use a new one without a new version. */
  labels: z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()])).optional(),
});
export type RouteFeatures = z.infer<typeof routeFeatures>;

export const routePlanRequest = z.object({
  v: z.literal(1),
  generationId,
  identity,
  /** Requested models in order: `model` first, then `models`. Ids as the client wrote them, variants included. */
  models: z.array(modelId).min(1).max(32),
  preferences: providerPreferences,
  features: routeFeatures,
  /** Ids of the policies that apply (workspace, guardrails, key); the router merges them from its snapshot. */
  policyIds: z.array(z.string().max(64)).max(16).optional(),
  /** Store the decision with the generation. */
  explain: z.boolean().optional(),
});
export type RoutePlanRequest = z.infer<typeof routePlanRequest>;

/** The rule that excluded an endpoint. Vocabulary of the reference's `excluded_by` where it has a word for it. */
export const EXCLUSION_RULES = [
  'unknown_model',
  'not_in_only',
  'ignored',
  'not_in_order',
  'allowed_models',
  'allowed_providers',
  'data_policy:training',
  'data_policy:zdr',
  'data_region',
  'quantization',
  'require_parameters',
  'modality',
  'context_length',
  'max_output',
  'max_price',
  'not_distillable',
  'service_tier',
  'no_credential',
  'own_key_filter',
  'own_key_only',
  'capacity',
  'api',
  'disabled',
  'down',
  'resting',
  'beyond_max_attempts',
  'fallbacks_not_allowed',
] as const;
export type ExclusionRule = (typeof EXCLUSION_RULES)[number];

/** One endpoint to try. Carries all that the ingress and the worker need, so that neither looks anything up. */
export const plannedAttempt = z.object({
  endpointId,
  model: modelId,
  /** Routing slug of the provider. */
  provider: providerSlug,
  /** Display name, for `provider` in the response. */
  providerName: z.string().max(128),
  dialect: z.string().max(64),
  upstreamModel: z.string().max(256),
  priceVersion: priceVersionId,
  price: priceVector,
  context: count,
  maxOutput: count.optional(),
  /** Whether the provider stops billing when its connection is closed. */
  billsAfterCancel: z.boolean(),
  /** Whether every output token that is billed shows in the stream; absent: not known. */
  showsOutput: z.boolean().optional(),
  credentialId: z.string().max(64).optional(),
  byok: z.boolean(),
  /** Of the credential: a worker that finds it used up declines the attempt before anything is sent. Absent: not limited. */
  capacity: capacityLimits.optional(),
  /** What the workspace pays on top. Put in by the ingress, when it takes the hold; absent: nothing. */
  surchargePpm: surchargePpm.optional(),
  /** Quirks of the model there, over the provider's. */
  quirks: quirks.optional(),
  /** Request parameters this endpoint does not take and that are left out upstream; each becomes a warning. */
  dropParameters: z.array(z.string().max(64)).max(64).optional(),
});
export type PlannedAttempt = z.infer<typeof plannedAttempt>;

export const routePlanReply = z.object({
  attempts: z.array(plannedAttempt).max(16),
  excluded: z
    .array(
      z.object({
        endpointId: endpointId.optional(),
        model: modelId,
        provider: providerSlug.optional(),
        rule: z.enum(EXCLUSION_RULES),
        /** Of the own key that is not tried there, where it is one and not the endpoint. */
        credentialId: z.string().max(64).optional(),
        detail: z.string().max(512).optional(),
        /** Of a rule that passes with time: when it may have passed. */
        retryAfterMs: count.optional(),
      }),
    )
    .max(4096),
  /** Where the conversation is at home, by model. Absent: it has no home (there is no conversation, or the client ordered endpoints itself). */
  affinity: z
    .array(
      z.object({
        model: modelId,
        /** Where its hash leads, whatever the health. */
        home: endpointId,
        /** Where it was served since, by what the router last heard, and when that was said. */
        override: z.object({ endpointId, at: unixMs }).optional(),
      }),
    )
    .max(32)
    .optional(),
  /** Head revision of the snapshot that decided. */
  snapshotRevision: count,
  /** How the order came about, with `+` between its parts; a sort for which too little is known is `…-unmeasured`, and the order then the default one. */
  strategy: z.string().max(64),
  /** Which model each alias among the requested ones stands for, by the alias as it was written. */
  aliases: z.record(modelId, modelId).optional(),
});
export type RoutePlanReply = z.infer<typeof routePlanReply>;

/** Answers even when nothing is eligible (empty `attempts`); an unknown model is `model_not_found`. */
export const RoutePlan = defineRpc({
  name: 'route.plan',
  subject: SUBJECTS.routePlan,
  version: 1,
  queue: QUEUE_GROUPS.router,
  permission: 'service',
  idempotent: true,
  request: routePlanRequest,
  reply: routePlanReply,
});
