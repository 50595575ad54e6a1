// The routing decision of a generation, written down whole where somebody asked for it or it was drawn. Best effort: it is never waited for, and its loss is no fault
// of the call. Nothing of prompt or answer is in it.
import type { DecisionRecorded, PlannedAttempt, RoutePlanReply, RoutePlanRequest } from '@waystation/contracts';
import type { GenerateDeps } from './generate.js';
import type { AttemptRecord, Generation } from './generation.js';
import { chosenBy } from './journal-generation.js';

const TRIED_TOLD_MAX = 32;

export const keepDecision = ({ bus, log }: Pick<GenerateDeps, 'bus' | 'log'>, generation: Generation): void => {
  const { keepsDecision, plan, planAsked, generationId } = generation;
  if (keepsDecision === undefined || plan === undefined || planAsked === undefined) return;
  bus.trail
    .appendSoon(decisionLine(generation, planAsked, plan, keepsDecision))
    .catch((error: unknown) => log.warn({ err: error, generationId }, 'a routing decision could not be kept'));
};

/** An endpoint, and which own key it was asked with: the station's own has no name outside. */
const wayOf = ({ endpointId, byok, credentialId }: PlannedAttempt): { endpointId: string; credentialId?: string } => ({
  endpointId,
  ...(byok && credentialId !== undefined ? { credentialId } : {}),
});

const triedLine = ({ planned, outcome, errorCode }: AttemptRecord): DecisionRecorded['tried'][number] => ({
  ...wayOf(planned),
  outcome,
  errorCode,
});

const servedLine = ({ served, end, billed }: Generation): DecisionRecorded['served'] =>
  served && {
    ...wayOf(served.planned),
    outcome: served.outcome,
    finishReason: end?.finishReason,
    serviceTier: served.serviceTier,
    usage: billed?.usage,
    usageSource: served.usageSource,
    costPicodollars: billed?.bill.cost.toString(),
  };

const decisionLine = (
  generation: Generation,
  { models, preferences, features, policyIds }: RoutePlanRequest,
  plan: RoutePlanReply,
  because: DecisionRecorded['because'],
): DecisionRecorded => {
  const { caller, attempts, failure } = generation;
  const { inputs, ...decided } = plan;
  return {
    kind: 'decision.recorded',
    v: 1,
    generationId: generation.generationId,
    identity: generation.identity,
    createdAt: generation.createdAt,
    because,
    models,
    chosenBy: chosenBy(generation),
    preferences,
    features,
    policyIds: policyIds ?? [],
    plan: {
      ...decided,
      attempts: plan.attempts.map((attempt) => ({
        ...wayOf(attempt),
        model: attempt.model,
        provider: attempt.provider,
        providerName: attempt.providerName,
        priceVersion: attempt.priceVersion,
        price: attempt.price,
        byok: attempt.byok,
        dropParameters: attempt.dropParameters,
      })),
    },
    inputs,
    markupPpm: caller.workspace.markupPpm,
    byokFeePpm: caller.workspace.byokFeePpm,
    tried: attempts.slice(0, TRIED_TOLD_MAX).map(triedLine),
    served: servedLine(generation),
    errorCode: failure?.code,
  };
};
