// Control signals: no answer, no storage. All of them may be lost, and heal by being repeated.
import { z } from 'zod';
import { defineSignal } from './contract.js';
import {
  attemptId,
  count,
  endpointId,
  generationId,
  instanceId,
  leaseId,
  leaseVector,
  picodollarsUnsigned,
  unixMs,
} from './scalars.js';
import { SUBJECTS } from './subjects.js';

/**
 * The caller gave an attempt up. Idempotent. `call` is the token of the stream, unique per try. `given-up`: what came of it was used, then it broke;
 * `passed-over`: nothing had come of it.
 */
export const AttemptCancel = defineSignal({
  name: 'attempt.cancel',
  subjectOf: SUBJECTS.attemptCancel,
  subjectAny: SUBJECTS.attemptCancel('*'),
  version: 1,
  message: z.object({
    v: z.literal(1),
    call: z.string().max(64),
    reason: z.enum(['client-gone', 'given-up', 'passed-over', 'deadline', 'shutdown']),
  }),
});

/** Absolute flow control: "I have all frames before `sequence`; you may send up to byte `upToByte`." Repeated while waiting; also the answer to go-ask. */
export const AttemptCredit = defineSignal({
  name: 'attempt.credit',
  subjectOf: SUBJECTS.attemptCredit,
  subjectAny: SUBJECTS.attemptCredit('*'),
  version: 1,
  message: z.object({
    v: z.literal(1),
    call: z.string().max(64),
    sequence: count,
    upToByte: count,
    go: z.boolean().optional(),
    /** Calls whose end has arrived: the worker need not keep them for resending. Many in one message, told when convenient. */
    finished: z.array(z.string().max(64)).max(256).optional(),
  }),
});

/**
 * A worker asks the ingress to hold more for an attempt whose hold grows with its stream: what it has covers `heldOutputTokens`. Asked ahead of need, and
 * again while no answer makes it superfluous.
 */
export const AttemptNeed = defineSignal({
  name: 'attempt.need',
  subjectOf: SUBJECTS.attemptNeed,
  subjectAny: SUBJECTS.attemptNeed('*'),
  version: 1,
  message: z.object({ v: z.literal(1), generationId, attemptId, worker: instanceId, heldOutputTokens: count }),
});

/** The answer: what is held by now, in all. Absolute, so that a lost or repeated one does no harm. */
export const AttemptHeld = defineSignal({
  name: 'attempt.held',
  subjectOf: SUBJECTS.attemptHeld,
  subjectAny: SUBJECTS.attemptHeld('*'),
  version: 1,
  message: z.object({
    v: z.literal(1),
    attemptId,
    /** Of credits. */
    holdPicodollars: picodollarsUnsigned,
    /** Of what limits count of own provider keys; absent is zero. */
    byokPicodollars: picodollarsUnsigned.optional(),
    /** Tokens, prompt and output, where a quota counts them. */
    holdTokens: count.optional(),
    /** Output tokens that this covers; absent: all that the attempt can make. */
    heldOutputTokens: count.optional(),
    /** More was asked for and not given. */
    refused: z.boolean(),
  }),
});

/** Billing asks an ingress for the unused part of a lease. */
export const LeaseRecall = defineSignal({
  name: 'lease.recall',
  subjectOf: SUBJECTS.leaseRecall,
  subjectAny: SUBJECTS.leaseRecall('*'),
  version: 1,
  message: z.object({ v: z.literal(1), leaseIds: z.array(leaseId).min(1).max(256) }),
});

/**
 * Billing has settled attempts whose usage their ingress left to the worker, and tells that ingress what each was charged: the rest of its hold is free again. A
 * lost one is made up for by the sweeper.
 */
export const AttemptSettled = defineSignal({
  name: 'attempt.settled',
  subjectOf: SUBJECTS.attemptSettled,
  subjectAny: SUBJECTS.attemptSettled('*'),
  version: 1,
  message: z.object({
    v: z.literal(1),
    attempts: z
      .array(z.object({ attemptId, charged: leaseVector }))
      .min(1)
      .max(256),
  }),
});

/** Each second, from every process. Three seconds of silence end every stream with that instance. */
export const Alive = defineSignal({
  name: 'alive',
  subjectOf: SUBJECTS.alive,
  subjectAny: SUBJECTS.aliveAny,
  version: 1,
  message: z.object({
    v: z.literal(1),
    instance: instanceId,
    services: z.array(z.string().max(32)).max(16),
    release: z.string().max(64),
    sentAt: unixMs,
    /** Set in the last beat of an orderly shutdown: peers need not wait for the silence. */
    leaving: z.boolean().optional(),
  }),
});

/** Mergeable health counters of a worker since its last message; routers add them up. Counters only, so that order and loss do not matter much. */
export const HealthCounters = defineSignal({
  name: 'health',
  subjectOf: SUBJECTS.health,
  subjectAny: SUBJECTS.healthAny,
  version: 1,
  message: z.object({
    v: z.literal(1),
    instance: instanceId,
    fromMs: unixMs,
    toMs: unixMs,
    endpoints: z
      .array(
        z.object({
          endpointId,
          succeeded: count,
          failed: count,
          rateLimited: count,
          /** Rest the endpoint until then, as its Retry-After said. */
          restUntilMs: unixMs.optional(),
          lastFailureMs: unixMs.optional(),
          /** Histograms with fixed logarithmic buckets (factor √2 from 1): time to first token in ms, and output tokens per second. */
          timeToFirstTokenMs: z.array(count).max(64).optional(),
          tokensPerSecond: z.array(count).max(64).optional(),
        }),
      )
      .max(4096),
  }),
});
