// The journal: durable past-tense lines. All lines of one event-loop turn are one message (`journalBatch`); the unit of rejection is the line.
// Money lines go to FACTS, detail to TRAIL. Never a prompt, never a completion.
import { z } from 'zod';
import { FINISH_REASONS, OUTCOMES } from '@waystation/generation';
import { plannedAttempt, routePlanReply } from './route.js';
import {
  attemptId,
  count,
  endpointId,
  generationId,
  identity,
  instanceId,
  leaseId,
  modelId,
  picodollarsUnsigned,
  priceVersionId,
  providerSlug,
  serviceTier,
  surchargePpm,
  unixMs,
  usage,
} from './scalars.js';
import { priceVector } from './price.js';
import { CONTENT_FILTER_ACTIONS } from './snapshot.js';

const usageReport = {
  usage: z.union([usage, z.literal('pending')]),
  usageSource: z.enum(['provider', 'estimated', 'clamped']),
  /** The tier that served, as the provider told it, or else as it was asked for. It decides between the price vectors of a version. */
  serviceTier: serviceTier.optional(),
};

/** Which money an attempt stands on. In every money line, so that each can be settled alone. */
const backing = {
  leaseId: leaseId.optional(),
  holdPicodollars: picodollarsUnsigned,
  /** 1 where this attempt stands for its generation's request in the quotas that count requests. Absent: they count nothing of it. */
  requests: z.number().int().min(0).max(1).optional(),
  /** Tokens held for it, where a quota counts tokens: no more of them is counted. */
  holdTokens: count.optional(),
  quotaSet: z.array(z.string().max(128)).max(16),
  priceVersion: priceVersionId,
  /** The vector itself, so that billing can store a version before it settles with it. */
  price: priceVector,
  byok: z.boolean(),
  /** On top of what it costs, as it was when the hold was taken: the workspace's markup, or with an own key its fee. Absent: none. */
  surchargePpm: surchargePpm.optional(),
  deadlineAt: unixMs,
};

const attemptRef = { generationId, attemptId, identity, provider: providerSlug, endpointId, model: modelId };

/** By the worker, acked before the first frame is relayed. */
export const attemptStarted = z.object({
  kind: z.literal('attempt.started'),
  v: z.literal(1),
  at: unixMs,
  worker: instanceId,
  ...attemptRef,
  ...backing,
});

/** By the worker every 2 s while a stream is older than 2 s: what would be billed if nothing more were heard. */
export const attemptProgressed = z.object({
  kind: z.literal('attempt.progressed'),
  v: z.literal(1),
  at: unixMs,
  generationId,
  attemptId,
  sequence: count,
  /** What is held by now, where the hold grows. */
  holdPicodollars: picodollarsUnsigned.optional(),
  holdTokens: count.optional(),
  ...usageReport,
});

/** By the worker: the second witness. */
export const attemptFinished = z.object({
  kind: z.literal('attempt.finished'),
  v: z.literal(1),
  at: unixMs,
  worker: instanceId,
  ...attemptRef,
  ...backing,
  outcome: z.enum(OUTCOMES),
  finishReason: z.enum(FINISH_REASONS).optional(),
  errorCode: z.string().max(64).optional(),
  upstreamId: z.string().max(256).optional(),
  ...usageReport,
});

/** One attempt as the ingress saw it. */
const attemptSummary = z.object({
  attemptId,
  provider: providerSlug,
  endpointId,
  model: modelId,
  ...backing,
  /**
   * Whether it can have reached the provider. One that every worker declined, or that nobody was there to take, cannot; one that nobody accepted in time can:
   * its worker may have been too slow to say so.
   */
  dispatched: z.boolean(),
  outcome: z.enum(OUTCOMES),
  errorCode: z.string().max(64).optional(),
  ...usageReport,
  /** Where the usage is pending: output tokens that went to the client, counted by the ingress. Charged at least, if no final count is ever heard. */
  deliveredTokens: count.optional(),
});

/** By the ingress: the first witness. Normally settles alone. Exactly one per generation that had an attempt. */
export const generationFinished = z.object({
  kind: z.literal('generation.finished'),
  v: z.literal(1),
  at: unixMs,
  ingress: instanceId,
  generationId,
  identity,
  outcome: z.enum(OUTCOMES),
  finishReason: z.enum(FINISH_REASONS).optional(),
  /** The attempt whose output the client got; absent if none. */
  servedBy: attemptId.optional(),
  /** The attempt that broke off in the middle, where `servedBy` went on with its text: the client got output of both. */
  continuedFrom: attemptId.optional(),
  attempts: z.array(attemptSummary).max(32),
});

export const moneyLine = z.discriminatedUnion('kind', [
  attemptStarted,
  attemptProgressed,
  attemptFinished,
  generationFinished,
]);
export type MoneyLine = z.infer<typeof moneyLine>;
export type GenerationFinished = z.infer<typeof generationFinished>;
export type AttemptFinished = z.infer<typeof attemptFinished>;

/** TRAIL, by the ingress: all that `GET /generation` shows, cost computed by the same pure function that billing charges with. */
export const generationRecorded = z.object({
  kind: z.literal('generation.recorded'),
  v: z.literal(1),
  generationId,
  identity,
  createdAt: unixMs,
  api: z.string().max(32),
  requestedModels: z.array(modelId).max(32),
  model: modelId.optional(),
  provider: providerSlug.optional(),
  providerName: z.string().max(128).optional(),
  endpointId: endpointId.optional(),
  upstreamId: z.string().max(256).optional(),
  stream: z.boolean(),
  cancelled: z.boolean(),
  outcome: z.enum(OUTCOMES),
  finishReason: z.enum(FINISH_REASONS).optional(),
  nativeFinishReason: z.string().max(128).optional(),
  errorCode: z.string().max(64).optional(),
  errorMessage: z.string().max(1024).optional(),
  httpStatus: z.number().int(),
  usage: usage.optional(),
  usageSource: z.enum(['provider', 'estimated', 'clamped']).optional(),
  priceVersion: priceVersionId.optional(),
  costPicodollars: picodollarsUnsigned,
  /** Row of the outcome policy that decided whether it is charged. */
  policyRow: z.string().max(64),
  byok: z.boolean(),
  /** Milliseconds from accept of the request to the first meaningful event, and to the end. */
  latencyMs: z.number().min(0).optional(),
  generationTimeMs: z.number().min(0),
  userAgent: z.string().max(256).optional(),
  requestId: z.string().max(64).optional(),
  warnings: z
    .array(z.object({ code: z.string().max(64), message: z.string().max(512), field: z.string().max(64).optional() }))
    .max(32)
    .optional(),
  /** What the content filters of guardrails found, and did. Never what it was. */
  verdicts: z
    .array(
      z.object({
        guardrailId: z.string().max(64),
        filter: z.string().max(100),
        action: z.enum(CONTENT_FILTER_ACTIONS),
        side: z.enum(['input', 'output']),
        count: z.number().int().min(1),
      }),
    )
    .max(64)
    .optional(),
  attempts: z
    .array(
      z.object({
        attemptId,
        attempt: plannedAttempt.pick({ endpointId: true, provider: true, providerName: true, model: true }),
        /** The customer's own key that was used, by its id. Absent: none. */
        ownKeyId: z.string().max(64).optional(),
        worker: instanceId.optional(),
        /** `false` where it cannot have reached the provider: nothing is charged for it. Absent: it can. */
        dispatched: z.boolean().optional(),
        outcome: z.enum(OUTCOMES),
        errorCode: z.string().max(64).optional(),
        upstreamStatus: z.number().int().optional(),
        latencyMs: z.number().min(0).optional(),
        durationMs: z.number().min(0).optional(),
      }),
    )
    .max(32),
  /** Whose kept answer was given: nothing was attempted, and nothing is charged. */
  responseCacheSourceId: generationId.optional(),
  decision: routePlanReply
    .pick({ excluded: true, strategy: true, snapshotRevision: true })
    .partial()
    .extend({
      /** Which name of the station's own chose the models, by which rule, and what it took the task for. */
      router: z.string().max(64).optional(),
      rule: z.string().max(64).optional(),
      task: z.string().max(64).optional(),
      difficulty: z.string().max(16).optional(),
    })
    .optional(),
  /** Of the preset that was used, and its version. */
  presetId: z.string().max(64).optional(),
  presetVersion: count.optional(),
});
export type GenerationRecorded = z.infer<typeof generationRecorded>;

export const trailLine = z.discriminatedUnion('kind', [generationRecorded]);
export type TrailLine = z.infer<typeof trailLine>;

/** One message of a journal stream. `batch` is unique per process (`<instance>-<n>`) and is the message id. Lines are validated one by one. */
export const journalBatch = z.object({
  v: z.literal(1),
  batch: z.string().max(96),
  instance: instanceId,
  lines: z.array(z.unknown()).min(1).max(10_000),
  /** W3C trace context of the lines that are traced, by their index. */
  traces: z.record(z.string().max(5), z.string().max(64)).optional(),
});
export type JournalBatch = z.infer<typeof journalBatch>;
