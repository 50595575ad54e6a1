// The ingress's witness: one money line for every generation that had an attempt, and one trail line with everything `GET /generation` shows.
import type { GenerationFinished, GenerationRecorded } from '@waystation/contracts';
import { OUTCOME_POLICY } from '@waystation/ledger';
import type { Outcome } from '@waystation/generation';
import { holdOf, type PlanHold } from '../hold/take-hold.js';
import type { Billed } from './bill-generation.js';
import type { AttemptRecord, Generation } from './generation.js';
import type { WaystationError } from '@waystation/contracts';

const ATTEMPTS_TOLD_MAX = 32;
const EXCLUSIONS_TOLD_MAX = 64;
const WARNINGS_TOLD_MAX = 32;
const VERDICTS_TOLD_MAX = 64;

/** How a generation ended, as both lines tell it. */
export interface Ending {
  readonly outcome: Outcome;
  readonly error?: WaystationError | undefined;
  readonly billed?: Billed | undefined;
  readonly httpStatus: number;
  readonly nowMs: number;
}

const attemptLine = (
  record: AttemptRecord,
  generation: Generation,
  ofPlan: PlanHold,
  hold = record.hold ?? ofPlan,
): GenerationFinished['attempts'][number] => ({
  attemptId: record.attemptId,
  provider: record.planned.provider,
  endpointId: record.planned.endpointId,
  model: record.planned.model,
  leaseId: hold.hold.leaseId,
  holdPicodollars: holdOf(hold).toString(),
  requests: record.requests || undefined,
  holdTokens: hold.hold.amounts.tokens || undefined,
  quotaSet: hold.quotaIds,
  priceVersion: record.planned.priceVersion,
  price: record.planned.price,
  byok: record.planned.byok,
  surchargePpm: record.planned.surchargePpm,
  deadlineAt: generation.deadlineAt,
  dispatched: record.dispatched,
  outcome: record.outcome,
  errorCode: record.errorCode,
  usage: record.usage,
  usageSource: record.usageSource,
  deliveredTokens: record.deliveredTokens,
  serviceTier: record.serviceTier,
});

export const finishedLine = (
  generation: Generation,
  hold: PlanHold,
  ending: Ending,
  instance: string,
): GenerationFinished => ({
  kind: 'generation.finished',
  v: 1,
  at: ending.nowMs,
  ingress: instance,
  generationId: generation.generationId,
  identity: generation.identity,
  outcome: ending.outcome,
  finishReason: generation.end?.finishReason,
  servedBy: generation.served?.attemptId,
  continuedFrom: generation.continuedFrom?.attemptId,
  attempts: generation.attempts.slice(0, ATTEMPTS_TOLD_MAX).map((record) => attemptLine(record, generation, hold)),
});

const policyRow = (generation: Generation, ending: Ending): string =>
  ending.billed?.decision.policyRow ??
  OUTCOME_POLICY[ending.outcome][generation.served === undefined ? 'unserved' : 'served'].name;

const attemptTrail = (record: AttemptRecord): GenerationRecorded['attempts'][number] => {
  const { endpointId, provider, providerName, model, byok, credentialId } = record.planned;
  return {
    attemptId: record.attemptId,
    attempt: { endpointId, provider, providerName, model },
    ownKeyId: byok ? credentialId : undefined,
    worker: record.worker,
    dispatched: record.dispatched ? undefined : false,
    outcome: record.outcome,
    errorCode: record.errorCode,
    upstreamStatus: record.upstreamStatus,
    latencyMs: record.latencyMs,
    durationMs: record.durationMs,
  };
};

/** By which rule the models were chosen, where the request left that to the station. */
export const chosenBy = ({ choice }: Generation) =>
  choice && { router: choice.router, rule: choice.rule, task: choice.task, difficulty: choice.difficulty };

export const recordedLine = (generation: Generation, ending: Ending): GenerationRecorded => {
  const { end, plan, request } = generation;
  const record = generation.served ?? generation.attempts.at(-1);
  const verdicts = generation.verdicts.all.slice(0, VERDICTS_TOLD_MAX);
  const warnings = [...generation.warnings, ...(end?.warnings ?? [])].slice(0, WARNINGS_TOLD_MAX);
  return {
    kind: 'generation.recorded',
    v: 1,
    generationId: generation.generationId,
    identity: generation.identity,
    createdAt: generation.createdAt,
    api: request.features.api,
    requestedModels: [...request.models],
    model: record?.planned.model,
    provider: record?.planned.provider,
    providerName: record?.planned.providerName,
    endpointId: record?.planned.endpointId,
    priceVersion: record?.planned.priceVersion,
    upstreamId: end?.upstreamId,
    stream: request.stream,
    cancelled: ending.outcome === 'cancelled',
    outcome: ending.outcome,
    finishReason: end?.finishReason,
    nativeFinishReason: end?.nativeFinishReason,
    errorCode: ending.error?.code,
    errorMessage: ending.error?.message.slice(0, 1024),
    httpStatus: ending.httpStatus,
    usage: ending.billed?.usage,
    usageSource: ending.billed === undefined ? undefined : ending.billed.usageSource,
    costPicodollars: (ending.billed?.bill.cost ?? 0n).toString(),
    policyRow: policyRow(generation, ending),
    byok: record?.planned.byok ?? false,
    latencyMs: generation.firstByteMs,
    generationTimeMs: performance.now() - generation.startedMs,
    userAgent: generation.userAgent?.slice(0, 256),
    requestId: generation.requestId,
    warnings: warnings.length === 0 ? undefined : warnings,
    verdicts: verdicts.length === 0 ? undefined : verdicts,
    attempts: generation.attempts.slice(0, ATTEMPTS_TOLD_MAX).map(attemptTrail),
    decision: plan && {
      excluded: plan.excluded.slice(0, EXCLUSIONS_TOLD_MAX),
      strategy: plan.strategy,
      snapshotRevision: plan.snapshotRevision,
      ...chosenBy(generation),
    },
    decisionKept: generation.keepsDecision === undefined || plan === undefined ? undefined : true,
    presetId: generation.preset?.id,
    presetVersion: generation.preset?.number,
  };
};
