// Control signals: no answer, no storage. All of them may be lost, and heal by being repeated.
import { z } from 'zod';
import { capacityUse } from './capacity.js';
import { defineSignal } from './contract.js';
import {
  attemptId,
  count,
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

/** Times in a health message are of the worker's own clock, which begins with it and never goes back: nobody has to agree with it on the time. */
const workerMs = count;
/** Bucket and count by turns; the buckets are those of libs/routing. */
const histogram = z.array(count).max(272);

/** Counted in one stretch of time: slot `slot` of the span's length, by the worker's clock. */
const healthSeries = z.object({
  /** Which length of slots: 0 the finest. */
  span: z.number().int().min(0).max(2),
  slot: count,
  succeeded: count,
  failed: count,
  rateLimited: count,
  /** Of those that failed: when the client had output already. Absent: none. */
  broken: count.optional(),
  timeToFirstTokenMs: histogram.optional(),
  tokensPerSecond: histogram.optional(),
});
export type HealthSeries = z.infer<typeof healthSeries>;

/** An endpoint, or a credential, as one worker met it. */
const healthSubject = z.object({
  id: z.string().min(1).max(256),
  /** Failures since its last success, as this worker saw them. */
  failedInRow: count,
  lastSuccessAt: workerMs.optional(),
  lastFailureAt: workerMs.optional(),
  /** Rest it until then, as its Retry-After said. */
  restUntil: workerMs.optional(),
  series: z.array(healthSeries).max(128),
});
export type HealthSubject = z.infer<typeof healthSubject>;

/**
 * What a worker has counted of endpoints and credentials: absolute counts of what changed since its last message, of what is told again, or of all for one who is
 * new. A message that comes twice, late or out of order changes nothing; whoever has heard the same messages knows the same.
 */
export const HealthCounters = defineSignal({
  name: 'health',
  subjectOf: SUBJECTS.health,
  subjectAny: SUBJECTS.healthAny,
  version: 2,
  message: z.object({
    v: z.literal(2),
    instance: instanceId,
    /** When it was sent. */
    clockMs: workerMs,
    endpoints: z.array(healthSubject).max(256),
    /** Of each only what the provider thought of the credential. Own keys are among them; what they meet is never counted of an endpoint. */
    credentials: z.array(healthSubject).max(256),
    /** Of credentials whose capacity is limited. Of two words about the same slot, and about what is in flight, that of the later `clockMs` holds. */
    capacity: z.array(capacityUse).max(256).optional(),
  }),
});
export type HealthMessage = z.infer<typeof HealthCounters.message>;
