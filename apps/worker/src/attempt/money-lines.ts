// The journal's lines about an attempt. Each names all the money it stands on, so that it can be settled alone.
import type { AttemptFinished, AttemptRunRequest, MoneyLine } from '@waystation/contracts';
import type { ResponseReport } from '@waystation/providers';
import type { HeldAmounts } from './allowance.js';
import type { RelayResult } from './relay.js';
import { tellUsage } from './tell-usage.js';

type AttemptStarted = Extract<MoneyLine, { kind: 'attempt.started' }>;
type AttemptProgressed = Extract<MoneyLine, { kind: 'attempt.progressed' }>;

/** @param held what is held by now, where it grew */
const about = ({ attempt, leaseId, ...request }: AttemptRunRequest, held: HeldAmounts = request) => ({
  generationId: request.generationId,
  attemptId: request.attemptId,
  identity: request.identity,
  provider: attempt.provider,
  endpointId: attempt.endpointId,
  model: attempt.model,
  ...(leaseId === undefined ? {} : { leaseId }),
  holdPicodollars: held.holdPicodollars,
  ...(request.requests === undefined ? {} : { requests: request.requests }),
  ...(held.holdTokens === undefined ? {} : { holdTokens: held.holdTokens }),
  quotaSet: request.quotaSet,
  priceVersion: attempt.priceVersion,
  price: attempt.price,
  byok: attempt.byok,
  deadlineAt: request.deadlineAt,
});

export const attemptStartedLine = (request: AttemptRunRequest, worker: string, at: number): AttemptStarted => ({
  kind: 'attempt.started',
  v: 1,
  at,
  worker,
  ...about(request),
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
  ...(held === undefined ? {} : { holdPicodollars: held.holdPicodollars }),
  ...(held?.holdTokens === undefined ? {} : { holdTokens: held.holdTokens }),
  ...tellUsage(request, report),
});

export const attemptFinishedLine = (
  request: AttemptRunRequest,
  worker: string,
  { outcome, error, report }: RelayResult,
  at: number,
  held?: HeldAmounts,
): AttemptFinished => ({
  kind: 'attempt.finished',
  v: 1,
  at,
  worker,
  ...about(request, held),
  outcome,
  ...(report.finishReason === undefined ? {} : { finishReason: report.finishReason }),
  ...(error === undefined ? {} : { errorCode: error.code }),
  ...(report.upstreamId === undefined ? {} : { upstreamId: report.upstreamId }),
  ...tellUsage(request, report),
});
