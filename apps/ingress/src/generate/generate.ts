// The story of one generation: plan → hold → attempts → finish. Everything else is a part of it and stands in its own file.
// Invariants: no hold, no paid call; nothing is sent by another endpoint once output was delivered, unless the client asked for a continuation; whatever happens, the client is told and the hold ends.
import type { Bus } from '@waystation/bus';
import { WaystationError, toWaystationError } from '@waystation/contracts';
import type { Logger } from 'pino';
import type { Affinity } from '../affinity/affinity.js';
import type { Aside } from '../aside/run-aside.js';
import { attemptInOrder, type WorkerView } from '../attempt/attempt-in-order.js';
import { notContinued, whyNotContinued } from '../attempt/continuation.js';
import { hedgeOf } from '../attempt/hedge.js';
import type { RetryBudget } from '../attempt/retry-budget.js';
import type { Delivery } from '../deliver/delivery.js';
import { JoinableStream } from '../deliver/joinable-stream.js';
import type { Needs } from '../hold/answer-needs.js';
import { costsNothing, DEFAULT_OUTPUT_TOKENS } from '../hold/bound-plan.js';
import type { LeaseCache } from '../hold/lease-cache.js';
import type { LeftOpen } from '../hold/left-open.js';
import { takeFurtherHold, takeHold, type PlanHold } from '../hold/take-hold.js';
import { heal } from '../heal/heal.js';
import { withSurcharges } from '../hold/with-surcharges.js';
import type { Answers } from '../replay/answers.js';
import type { ChooserDeps } from '../tasks/choose-for-task.js';
import { answerOf, finishGeneration, recordBlocked, type LoopEnd } from './finish.js';
import type { GiveUp } from './give-up.js';
import type { IngressCells } from '../metrics.js';
import { identityOf, type Generation, type GenerationRequest } from './generation.js';
import { keepDecision } from './keep-decision.js';
import { planPrompt } from './plan-prompt.js';
import { screenAnswer, screenStream } from '../screen/screen-answer.js';
import { ScreenedStream } from '../screen/screened-stream.js';
import { Verdicts } from '../screen/verdicts.js';

export interface GenerateDeps {
  readonly bus: Bus;
  readonly leases: LeaseCache;
  readonly needs: Needs;
  readonly leftOpen: LeftOpen;
  readonly answers: Answers;
  readonly affinity: Affinity;
  /** Of which models are chosen where the request leaves that to the station. */
  readonly catalog: ChooserDeps['catalog'];
  readonly policies: ChooserDeps['policies'];
  readonly log: Logger;
  readonly nowMs: () => number;
  /** How long a generation may take in all. */
  readonly deadlineMs: number;
  readonly workers: WorkerView;
  readonly retries: RetryBudget;
  /** For work that would stall the loop. */
  readonly aside: Aside;
  /** The least after which a client may have a second endpoint asked. Undefined: it may not. */
  readonly hedgeAfterMsMin: number | undefined;
  /** Two endpoints were asked at once. */
  readonly onRaced: Parameters<typeof attemptInOrder>[5];
  readonly onFirstByte: (latencyMs: number) => void;
  /** Told once of each generation that was begun. */
  readonly onFinished: IngressCells['finished'];
}

/** Answers whether anything may have reached a provider. */
export const generate = async (
  deps: GenerateDeps,
  asked: GenerationRequest,
  delivery: Delivery,
  giveUp: GiveUp,
): Promise<boolean> => {
  const generation = begin(deps, asked, delivery, giveUp);
  try {
    refuseUnlessJournalled(deps.bus);
    screenStream(generation);
    joinStreams(generation);
    const plan = await planPrompt(deps, generation);
    generation.plannedMs = performance.now();
    const hold = await holdFor(deps, generation, withSurcharges(plan.attempts, generation.caller.workspace));
    generation.heldMs = performance.now();
    const stopGrowing = hold.growing && deps.needs.answerFor(generation.generationId, hold.growing);
    let loopEnd: LoopEnd = await attemptInOrder(
      deps.bus,
      deps.workers,
      deps.retries,
      generation,
      hold,
      deps.onRaced,
      (request, bound) =>
        takeFurtherHold(deps.leases, { request, set: quotaSetOf(generation, [bound.attempt]) }, bound),
    ).catch(toWaystationError);
    stopGrowing?.();
    if (loopEnd === 'served' && generation.request.plugins?.healing === true) await heal(deps, generation);
    if (loopEnd === 'served') loopEnd = (await screenAnswer(generation)) ?? loopEnd;
    finishGeneration(deps, generation, hold, loopEnd);
    deps.affinity.learn(generation);
    if (generation.firstByteMs !== undefined) deps.onFirstByte(generation.firstByteMs);
  } catch (thrown) {
    const error = toWaystationError(thrown);
    generation.failure = error;
    generation.delivery.fail(error, answerOf(generation, error));
    deps.onFinished(generation, error, undefined);
    if (error.code === 'content_blocked') recordBlocked(deps, generation, error);
    if (error.code === 'internal')
      deps.log.error(
        { err: thrown, generationId: asked.generationId, requestId: asked.requestId },
        'a generation failed',
      );
  }
  keepDecision(deps, generation);
  return generation.attempts.some(({ dispatched }) => dispatched);
};

/** Names every member, those that need not be there too: none that a request may have can be forgotten here. */
const begin = (
  deps: GenerateDeps,
  asked: GenerationRequest,
  delivery: Delivery,
  giveUp: GiveUp,
): Required<Generation> => {
  const createdAt = deps.nowMs();
  const hedge = hedgeOf(asked, deps.hedgeAfterMsMin);
  // All that is and will be known is named at once: then every generation is an object of one shape, made in one piece, and what reads it stays compiled for it.
  return {
    generationId: asked.generationId,
    requestId: asked.requestId,
    caller: asked.caller,
    request: asked.request,
    dialect: asked.dialect,
    body: asked.body,
    head: asked.head,
    userAgent: asked.userAgent,
    trace: asked.trace,
    idempotencyKey: asked.idempotencyKey,
    wantsMetadata: asked.wantsMetadata ?? false,
    keepsDecision: asked.keepsDecision,
    app: asked.app,
    tags: asked.tags,
    hedgeAfterMs: hedge.afterMs,
    continues: asked.continues ?? false,
    preset: asked.preset,
    task: asked.task,
    cache: asked.cache,
    answered: asked.answered,
    identity: identityOf(asked),
    delivery,
    giveUp,
    createdAt,
    startedMs: performance.now(),
    deadlineAt: createdAt + deps.deadlineMs,
    begun: 0,
    attempts: [],
    warnings: hedge.warning === undefined ? [...asked.request.warnings] : [...asked.request.warnings, hedge.warning],
    pipeline: [],
    verdicts: new Verdicts(),
    blocked: undefined,
    fileNotes: undefined,
    choice: undefined,
    plan: undefined,
    planAsked: undefined,
    end: undefined,
    served: undefined,
    billed: undefined,
    failure: undefined,
    plannedMs: undefined,
    heldMs: undefined,
    continuedFrom: undefined,
    joinable: undefined,
    firstByteMs: undefined,
  };
};

/** Paid work that could not be written down is not begun. */
const refuseUnlessJournalled = (bus: Bus): void => {
  if (bus.facts.healthy) return;
  throw new WaystationError('journal_unavailable', 'Usage cannot be recorded for the moment; try again.', {
    retryAfterMs: 1000,
  });
};

/** What goes out is remembered, where the client asked for that and something could be made of it. */
const joinStreams = (generation: Generation): void => {
  if (generation.continues !== true) return;
  const { dialect, delivery } = generation;
  const why = whyNotContinued(generation, delivery instanceof ScreenedStream);
  if (why !== undefined) generation.warnings.push(notContinued(why));
  else if ('joint' in dialect && dialect.joint !== undefined) {
    generation.joinable = new JoinableStream(delivery, dialect.joint());
    generation.delivery = generation.joinable;
  }
};

const quotaSetOf = (
  { caller, request, identity, createdAt }: Generation,
  attempts: readonly Parameters<typeof costsNothing>[0][],
): Parameters<typeof takeHold>[1]['set'] =>
  caller.quotaSetFor(
    () => ({ endUserId: request.endUserId, tags: identity.tags, free: attempts.every(costsNothing) }),
    createdAt,
  );

const holdFor = async (
  deps: GenerateDeps,
  generation: Generation,
  attempts: Parameters<typeof takeHold>[1]['attempts'],
): Promise<PlanHold> => {
  const { caller, request } = generation;
  const policyCap = caller.workspace.defaultMaxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
  const hold = await takeHold(deps.leases, {
    request,
    attempts,
    set: quotaSetOf(generation, attempts),
    policyCap,
    deadlineAt: generation.deadlineAt,
  });
  if (hold.ownKeysOnly === true)
    generation.warnings.push({
      code: 'other',
      message: "Only the workspace's own provider keys are tried: credit does not reach for the station's capacity.",
    });
  if (hold.clampedTo !== undefined) {
    generation.head.outputCap = hold.clampedTo;
    generation.warnings.push({
      code: 'clamped',
      message: `The output is capped at ${hold.clampedTo} tokens: that is what ${hold.clampedBy === 'tokens' ? 'the limit of tokens leaves' : 'the remaining credit buys'}.`,
      field: 'max_tokens',
    });
  }
  return hold;
};
