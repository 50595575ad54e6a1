// Walks the plan: the next endpoint while the client has seen nothing, another worker while nothing was dispatched, and nothing after the first output.
// Every try has its own attempt id and its own record; the number of tries is bounded.
import type { Bus } from '@waystation/bus';
import {
  WaystationError,
  type AttemptEnd,
  type AttemptRunRequest,
  type ErrorCode,
  type ErrorDetails,
} from '@waystation/contracts';
import { estimateOutputTokens, type Outcome } from '@waystation/generation';
import { nextAttemptId, type AttemptRecord, type Generation } from '../generate/generation.js';
import type { BoundAttempt } from '../hold/bound-plan.js';
import { holdOf, type PlanHold } from '../hold/take-hold.js';
import { openAttempt, type Try } from './open-attempt.js';
import type { RetryBudget } from './retry-budget.js';

/** Tries in all, over all endpoints. */
const TRIES_MAX = 16;
/** Tries at one endpoint, while a worker is left that has not declined. NATS may ask one again that has; that costs a millisecond. */
const TRIES_PER_ENDPOINT_MAX = 8;
/** Of these, how many may end without an accept: each costs the client a wait. */
export const UNANSWERED_MAX = 2;
const SKIP_INSTANCES_MAX = 8;

/** No worker took it, so that it cannot have reached a provider. Not so where none accepted in time: a slow worker may have called it before it could say so. */
const NOT_DISPATCHED: ReadonlySet<ErrorCode> = new Set(['no_worker', 'worker_busy', 'no_responder', 'bad_message']);

/** What is absent is `undefined` and not left out: an object that is put together with spreads costs twenty times as much, and on the wire JSON knows neither. */
const requestFor = (
  generation: Generation,
  hold: PlanHold,
  bound: BoundAttempt,
  attemptId: string,
  requests: number,
  skip: readonly string[],
): AttemptRunRequest => ({
  v: 1,
  attemptId,
  generationId: generation.generationId,
  identity: generation.identity,
  attempt: bound.attempt,
  dialect: generation.request.features.dialect,
  stream: generation.request.stream,
  frames: 'passthrough',
  spans: generation.request.spans,
  outputCap: hold.capped ? bound.outputTokens : undefined,
  inputTokensEstimate: generation.request.features.inputTokensEstimate,
  inputs: generation.request.inputs,
  inputImages: generation.request.inputImages || undefined,
  serviceTier: generation.request.features.serviceTier || undefined,
  leaseId: hold.hold.leaseId,
  holdPicodollars: holdOf(hold).toString(),
  heldOutputTokens: hold.growing?.heldOutputTokens,
  requests: requests || undefined,
  holdTokens: hold.hold.amounts.tokens || undefined,
  quotaSet: hold.quotaIds,
  deadlineAt: generation.deadlineAt,
  skipInstances: skip.length === 0 ? undefined : skip.slice(0, SKIP_INSTANCES_MAX),
});

const outcomeOfFailure = (error: WaystationError, delivered: boolean): Outcome => {
  if (error.code === 'accept_timeout') return 'passed-over';
  if (error.code === 'deadline_exceeded') return 'timed-out';
  if (error.code === 'cancelled') return 'cancelled';
  return delivered ? 'failed-after-output' : 'failed-before-output';
};

/** What a try left behind, as the journal will tell it. */
const recordOf = (
  attemptId: string,
  bound: BoundAttempt,
  requests: number,
  startedMs: number,
  tried: Try,
  delivered: boolean,
): AttemptRecord => {
  const { result, worker, latencyMs, content } = tried;
  const deliveredTokens = delivered ? estimateOutputTokens(content) : 0;
  /** Beside a usage that is left to the worker: should that be lost, this much is known. */
  const atLeast = deliveredTokens === 0 ? {} : { deliveredTokens };
  const known = {
    attemptId,
    planned: bound.attempt,
    requests,
    startedMs,
    durationMs: performance.now() - startedMs,
    worker,
    latencyMs,
  };
  switch (result.kind) {
    case 'ended': {
      const { end } = result;
      return {
        ...known,
        dispatched: true,
        outcome: end.outcome,
        usage: end.usage,
        usageSource: end.usageSource,
        ...(end.usage === 'pending' ? atLeast : {}),
        serviceTier: end.serviceTier,
        upstreamStatus: end.upstreamStatus,
      };
    }
    case 'given-up':
      return {
        ...known,
        dispatched: true,
        outcome: 'cancelled',
        usage: 'pending',
        usageSource: 'estimated',
        ...atLeast,
      };
    case 'failed': {
      const { error } = result;
      const dispatched = worker !== undefined || !NOT_DISPATCHED.has(error.code);
      return {
        ...known,
        dispatched,
        outcome: outcomeOfFailure(error, delivered),
        errorCode: error.code,
        errorMessage: error.message,
        // What the provider may have counted only the worker knows.
        usage: dispatched ? 'pending' : {},
        usageSource: 'estimated',
        ...atLeast,
      };
    }
    default: {
      const unreachable: never = result;
      return unreachable;
    }
  }
};

const instanceOf = (error: WaystationError, worker: string | undefined): string | undefined => {
  const named = error.details?.['worker'];
  return worker ?? (typeof named === 'string' ? named : undefined);
};

/** An end without output is a failure that another endpoint may mend. */
const failureOf = (end: AttemptEnd): WaystationError | undefined => {
  switch (end.outcome) {
    case 'empty':
      return new WaystationError('provider_empty', 'The provider answered with an empty completion.');
    case 'failed-before-output':
      return new WaystationError('provider_unavailable', 'The provider failed before any output.');
    case 'failed-after-output':
      return new WaystationError('provider_stream_broken', "The provider's stream broke.");
    case 'timed-out':
      return new WaystationError('provider_timeout', 'The provider took too long.');
    case 'cancelled':
      return new WaystationError('cancelled', 'The attempt was cancelled.');
    case 'passed-over':
      return new WaystationError('passed_over', 'The attempt was given up.');
    case 'completed':
    case 'refused':
      return undefined;
    default: {
      const unreachable: never = end.outcome;
      return unreachable;
    }
  }
};

const previousErrors = (generation: Generation): object[] =>
  generation.attempts
    .filter((record) => record.errorCode !== undefined)
    .slice(0, -1)
    .map((record) => ({
      provider: record.planned.providerName,
      model: record.planned.model,
      code: record.errorCode,
      message: record.errorMessage,
    }));

/** Names of our processes are for our logs. */
const withoutWorker = (details: ErrorDetails | undefined): ErrorDetails =>
  Object.fromEntries(Object.entries(details ?? {}).filter(([name]) => name !== 'worker'));

/** The last error, with those before it. */
const withHistory = (generation: Generation, error: WaystationError, bound: BoundAttempt): WaystationError => {
  const history = previousErrors(generation);
  return new WaystationError(error.code, error.message, {
    details: {
      providerName: bound.attempt.providerName,
      ...withoutWorker(error.details),
      ...(history.length === 0 ? {} : { previousErrors: history }),
    },
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    cause: error,
  });
};

/** Errors of one worker that say nothing about its endpoint: another one may well take it. */
const ONLY_THAT_WORKER: ReadonlySet<ErrorCode> = new Set(['shutting_down', 'overloaded', 'journal_unavailable']);

const nextStep = ({ code, row }: WaystationError): 'stop' | 'next-endpoint' | 'same-endpoint' => {
  if (row.retry === 'next-endpoint' || row.retry === 'same-endpoint') return row.retry;
  return ONLY_THAT_WORKER.has(code) ? 'same-endpoint' : 'stop';
};

/** What is known of the workers as a whole. */
export interface WorkerView {
  /** How many were heard of late. */
  live(): number;
  /** How long to wait for one to accept, where so many tries can be made. */
  acceptTimeoutMs(tries: number): number;
}

const noEndpointLeft = (): WaystationError =>
  new WaystationError('overloaded', 'No endpoint took the request.', { retryAfterMs: 1000 });

/**
 * Resolves when an attempt served the client to its end, or the generation was given up. The delivery is not ended: the bill comes first.
 * @throws WaystationError the last failure, when nothing is left to try or output was already delivered
 */
export const attemptInOrder = async (
  bus: Bus,
  workers: WorkerView,
  retries: RetryBudget,
  generation: Generation,
  hold: PlanHold,
): Promise<'served' | 'given-up'> => {
  if (generation.giveUp.reason !== undefined) return 'given-up';
  const live = Math.max(1, workers.live());
  retries.began();
  let last: WaystationError | undefined;
  for (const bound of hold.bounds) {
    const skip = new Set<string>();
    let unanswered = 0;
    let unknown = 0;
    for (let ordinal = 0; ordinal < TRIES_PER_ENDPOINT_MAX; ordinal += 1) {
      if (generation.attempts.length >= TRIES_MAX) throw last ?? noEndpointLeft();
      const attemptId = nextAttemptId(generation);
      // The first that was not passed over stands for the request; fallbacks are the same request.
      const counted = generation.attempts.some((record) => record.dispatched && record.outcome !== 'passed-over');
      if (counted && !retries.take()) throw last ?? noEndpointLeft();
      const requests = counted ? 0 : hold.hold.amounts.requests;
      const startedMs = performance.now();
      const tried = await openAttempt(
        bus,
        generation,
        requestFor(generation, hold, bound, attemptId, requests, [...skip]),
        workers.acceptTimeoutMs(live),
      );
      const { delivered } = generation.delivery;
      const record = recordOf(attemptId, bound, requests, startedMs, tried, delivered);
      generation.attempts.push(record);
      // What a filter stopped was made for this client, whether it saw any of it or not.
      if (delivered || generation.blocked !== undefined) generation.served = record;
      if (counted && !record.dispatched) retries.giveBack();

      const { result } = tried;
      if (result.kind === 'given-up') return 'given-up';
      const failure = result.kind === 'failed' ? result.error : failureOf(result.end);
      if (result.kind === 'ended' && (failure === undefined || (delivered && result.end.outcome === 'empty'))) {
        generation.served = record;
        generation.end = result.end;
        return 'served';
      }
      const error = failure ?? noEndpointLeft();
      record.errorCode = error.code;
      record.errorMessage = error.message;
      last = withHistory(generation, error, bound);
      if (delivered) throw last;
      const next = nextStep(error);
      if (next === 'stop') throw last;
      const instance = instanceOf(error, tried.worker);
      if (instance !== undefined) skip.add(instance);
      if (error.code === 'accept_timeout') {
        unanswered += 1;
        if (instance === undefined) unknown += 1;
      }
      if (next === 'next-endpoint' || unanswered >= UNANSWERED_MAX || skip.size + unknown >= live) break;
    }
  }
  throw last ?? noEndpointLeft();
};
