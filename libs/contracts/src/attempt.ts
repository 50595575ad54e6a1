// attempt.run: one call to one endpoint, answered by frames. The request's body (the original prompt bytes) rides behind the metadata.
import { z } from 'zod';
import { FINISH_REASONS, OUTCOMES } from '@waystation/generation';
import { defineStream } from './contract.js';
import { plannedAttempt } from './route.js';
import {
  attemptId,
  count,
  generationId,
  identity,
  leaseId,
  picodollarsUnsigned,
  serviceTier,
  unixMs,
  usage,
} from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

/** Where a top-level field of the body stands: key, and byte range of `"key":value` without the comma around it, and of the value. */
export const fieldSpan = z.object({
  key: z.string().max(64),
  start: count,
  end: count,
  valueStart: count,
  valueEnd: count,
});
export type FieldSpan = z.infer<typeof fieldSpan>;

export const attemptRunRequest = z.object({
  v: z.literal(1),
  attemptId,
  generationId,
  identity,
  attempt: plannedAttempt,
  /** Dialect of `body`. */
  dialect: z.string().max(64),
  stream: z.boolean(),
  /** Frames carry bytes of the client's dialect, own fields already in place, without what needs the bill. Canonical events never cross the bus (ADR 18). */
  frames: z.literal('passthrough'),
  /** Spans of the fields that we own or edit in `body`, in order of position. */
  spans: z.array(fieldSpan).max(64),
  /** What `max_tokens` must say upstream when the hold or a policy sets it; absent: as the client wrote. */
  outputCap: count.optional(),
  inputTokensEstimate: count,
  /** Prompts in the body, or answers to one, each as long as the endpoint's context at most; absent: one. */
  inputs: count.optional(),
  /** Images of the prompt: counted as usage where the endpoint's price is by the image. */
  inputImages: count.optional(),
  /** The service tier that the client asks for. */
  serviceTier: serviceTier.optional(),
  // money: what the journal's first line must name
  leaseId: leaseId.optional(),
  holdPicodollars: picodollarsUnsigned,
  /**
   * Where the hold grows with the stream: so many output tokens are covered by it. A byte of output counts as a token. The worker asks for more ahead
   * (`attempt.need`) and ends the output where no more is held. Absent: the hold covers all that the attempt can make.
   */
  heldOutputTokens: count.optional(),
  /** As the journal's lines tell them: what of the attempt the quotas that count requests and tokens are to count. */
  requests: z.number().int().min(0).max(1).optional(),
  holdTokens: count.optional(),
  quotaSet: z.array(z.string().max(128)).max(16),
  /** When the ingress gives up, as Unix time in ms. Bounds the attempt and its hold. */
  deadlineAt: unixMs,
  /** Instances that already failed to accept; such a worker answers busy. */
  skipInstances: z.array(z.string().max(64)).max(8).optional(),
});
export type AttemptRunRequest = z.infer<typeof attemptRunRequest>;

/** Longer ends of answers go out as they are, without the bill in them. */
export const TAIL_CHARACTERS_MAX = 256 * 1024;

/** The end frame. Usage by class, or `pending` where the worker could not know yet and its journal line will tell. */
export const attemptEnd = z.object({
  outcome: z.enum(OUTCOMES),
  finishReason: z.enum(FINISH_REASONS).optional(),
  nativeFinishReason: z.string().max(128).optional(),
  /** The worker ended the output because no more was held: what the client got is whole but for its last chunk, which says so. */
  cutShort: z.boolean().optional(),
  usage: z.union([usage, z.literal('pending')]),
  usageSource: z.enum(['provider', 'estimated', 'clamped']),
  /** The tier that served, as the provider told it, or else as it was asked for. */
  serviceTier: serviceTier.optional(),
  /** Total payload bytes of all data frames: the reader checks it. */
  totalBytes: count,
  upstreamId: z.string().max(256).optional(),
  /** Milliseconds from dispatch to the first meaningful event, and to the end. */
  timeToFirstTokenMs: z.number().min(0).optional(),
  durationMs: z.number().min(0),
  upstreamStatus: z.number().int().optional(),
  warnings: z
    .array(z.object({ code: z.string().max(64), message: z.string().max(512), field: z.string().max(64).optional() }))
    .max(32)
    .optional(),
  /** The end of the answer, in the client's dialect, which still needs the bill. */
  tail: z.string().max(TAIL_CHARACTERS_MAX).optional(),
  /** Of an answer that is no JSON, as the provider told it. */
  contentType: z.string().max(128).optional(),
});
export type AttemptEnd = z.infer<typeof attemptEnd>;

export const AttemptRun = defineStream({
  name: 'attempt.run',
  subjectOf: SUBJECTS.attemptRun,
  subjectAny: SUBJECTS.attemptRunAny,
  version: 1,
  queue: QUEUE_GROUPS.worker,
  permission: 'service',
  request: attemptRunRequest,
  end: attemptEnd,
});
