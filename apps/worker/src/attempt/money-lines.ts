// The journal's lines about an attempt. Each names all the money it stands on, so that it can be settled alone.
import type { AttemptFinished, AttemptRunRequest, MoneyLine } from '@waystation/contracts';
import type { ResponseReport } from '@waystation/providers';
import type { HeldAmounts } from './allowance.js';
import type { RelayResult } from './relay.js';
import { tellUsage } from './tell-usage.js';

type AttemptStarted = Extract<MoneyLine, { kind: 'attempt.started' }>;
type AttemptProgressed = Extract<MoneyLine, { kind: 'attempt.progressed' }>;

// Both lines name all that they say: an object that is put together from another one costs ten times as much, and there are two of them for each attempt.

export const attemptStartedLine = (request: AttemptRunRequest, worker: string, at: number): AttemptStarted => ({
  kind: 'attempt.started',
  v: 1,
  at,
  worker,
  generationId: request.generationId,
  attemptId: request.attemptId,
  identity: request.identity,
  provider: request.attempt.provider,
  endpointId: request.attempt.endpointId,
  model: request.attempt.model,
  leaseId: request.leaseId,
  holdPicodollars: request.holdPicodollars,
  requests: request.requests,
  holdTokens: request.holdTokens,
  quotaSet: request.quotaSet,
  priceVersion: request.attempt.priceVersion,
  price: request.attempt.price,
  byok: request.attempt.byok,
  surchargePpm: request.attempt.surchargePpm,
  deadlineAt: request.deadlineAt,
});

export const attemptProgressedLine = (
  request: AttemptRunRequest,
  sequence: number,
  report: ResponseReport,
  at: number,
  held?: HeldAmounts,
): AttemptProgressed => ({
  kind: 'attempt.progressed',
  v: 1,
  at,
  generationId: request.generationId,
  attemptId: request.attemptId,
  sequence,
  holdPicodollars: held?.holdPicodollars,
  holdTokens: held?.holdTokens,
  ...tellUsage(request, report),
});

/** @param held what is held by now, where it grew */
export const attemptFinishedLine = (
  request: AttemptRunRequest,
  worker: string,
  { outcome, error, report }: RelayResult,
  at: number,
  held: HeldAmounts = request,
): AttemptFinished => {
  const { usage, usageSource, serviceTier } = tellUsage(request, report);
  return {
    kind: 'attempt.finished',
    v: 1,
    at,
    worker,
    generationId: request.generationId,
    attemptId: request.attemptId,
    identity: request.identity,
    provider: request.attempt.provider,
    endpointId: request.attempt.endpointId,
    model: request.attempt.model,
    leaseId: request.leaseId,
    holdPicodollars: held.holdPicodollars,
    requests: request.requests,
    holdTokens: held.holdTokens,
    quotaSet: request.quotaSet,
    priceVersion: request.attempt.priceVersion,
    price: request.attempt.price,
    byok: request.attempt.byok,
    surchargePpm: request.attempt.surchargePpm,
    deadlineAt: request.deadlineAt,
    outcome,
    finishReason: report.finishReason,
    errorCode: error?.code,
    upstreamId: report.upstreamId,
    usage,
    usageSource,
    serviceTier,
  };
};
