// What a try left behind, as the journal will tell it; and whether its end is a failure. Pure.
// Invariant: what may have reached a provider is told as dispatched, and its usage is the worker's to tell.
import { WaystationError, type AttemptEnd, type ErrorCode } from '@waystation/contracts';
import { estimateOutputTokens, type Outcome } from '@waystation/generation';
import type { AttemptRecord } from '../generate/generation.js';
import type { Start } from './begin-try.js';
import type { Entrant } from './race-attempts.js';

/** No worker took it, so that it cannot have reached a provider. Not so where none accepted in time: a slow worker may have called it before it could say so. */
const NOT_DISPATCHED: ReadonlySet<ErrorCode> = new Set(['no_worker', 'worker_busy', 'no_responder', 'bad_message']);
/** What a worker says before it sends anything, after it was met. */
const DECLINED: ErrorCode = 'credential_full';

const outcomeOfFailure = (error: WaystationError, delivered: boolean): Outcome => {
  if (error.code === 'accept_timeout') return 'passed-over';
  if (error.code === 'deadline_exceeded') return 'timed-out';
  if (error.code === 'cancelled') return 'cancelled';
  return delivered ? 'failed-after-output' : 'failed-before-output';
};

export const recordOf = ({ start, tried, delivered, endedMs }: Entrant<Start>): AttemptRecord => {
  const { attemptId, bound, requests, startedMs } = start;
  const { result, worker, latencyMs, content } = tried;
  const deliveredTokens = delivered ? estimateOutputTokens(content) : 0;
  /** Beside a usage that is left to the worker: should that be lost, this much is known. */
  const atLeast = deliveredTokens === 0 ? undefined : deliveredTokens;
  // As one that was given up leaves it.
  const record: AttemptRecord = {
    attemptId,
    planned: bound.attempt,
    requests,
    startedMs,
    durationMs: endedMs - startedMs,
    worker,
    latencyMs,
    dispatched: true,
    outcome: 'cancelled',
    errorCode: undefined,
    errorMessage: undefined,
    usage: 'pending',
    usageSource: 'estimated',
    deliveredTokens: atLeast,
    serviceTier: undefined,
    upstreamStatus: undefined,
    hold: undefined,
  };
  switch (result.kind) {
    case 'ended': {
      const { end } = result;
      record.outcome = end.outcome;
      record.usage = end.usage;
      record.usageSource = end.usageSource;
      record.deliveredTokens = end.usage === 'pending' ? atLeast : undefined;
      record.serviceTier = end.serviceTier;
      record.upstreamStatus = end.upstreamStatus;
      return record;
    }
    case 'given-up':
      return record;
    case 'failed': {
      const { error } = result;
      record.dispatched = error.code !== DECLINED && (worker !== undefined || !NOT_DISPATCHED.has(error.code));
      record.outcome = outcomeOfFailure(error, delivered);
      record.errorCode = error.code;
      record.errorMessage = error.message;
      // What the provider may have counted only the worker knows.
      if (!record.dispatched) record.usage = {};
      return record;
    }
    default: {
      const unreachable: never = result;
      return unreachable;
    }
  }
};

/** Of a try that did not decide, because another one did at the same time. */
export const recordBeside = (entrant: Entrant<Start>): AttemptRecord => {
  const record = recordOf(entrant);
  const { result } = entrant.tried;
  if (entrant.outrun) {
    if (entrant.isSecond) record.outcome = 'passed-over';
    record.errorCode = 'passed_over';
    record.errorMessage = 'Another endpoint was quicker.';
    return record;
  }
  const failure = result.kind === 'failed' ? result.error : result.kind === 'ended' ? failureOf(result.end) : undefined;
  record.errorCode = failure?.code;
  record.errorMessage = failure?.message;
  return record;
};

/** An end without output is a failure that another endpoint may mend. */
export const failureOf = (end: AttemptEnd): WaystationError | undefined => {
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
