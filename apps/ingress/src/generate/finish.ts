// The end of a generation, exactly once: the client is told, the hold is settled, the journal is written. Order matters only to the client: all of it
// happens in one event-loop turn.
import { WaystationError, toWaystationError } from '@waystation/contracts';
import type { ChatAnswer } from '@waystation/dialects';
import { inputTokens, outputTokens, type Outcome } from '@waystation/generation';
import { creditsOf } from '@waystation/ledger';
import type { Logger } from 'pino';
import { NOTHING } from '../hold/amounts.js';
import type { Hold } from '../hold/lease-pool.js';
import { holdOf, type PlanHold } from '../hold/take-hold.js';
import { billAttempt, billBoth, type Billed } from './bill-generation.js';
import { cutShort } from './cut-short.js';
import type { GenerateDeps } from './generate.js';
import type { AttemptRecord, Generation, GenerationRequest } from './generation.js';
import { metadataJson } from './metadata.js';
import { finishedLine, recordedLine, type Ending } from './journal-generation.js';

/** How the attempt loop ended. */
export type LoopEnd = 'served' | 'given-up' | WaystationError;

/** For what is answered before a generation begins. */
export const answerBefore = ({ generationId, request }: GenerationRequest, nowMs: number): ChatAnswer => ({
  generationId,
  createdSeconds: Math.floor(nowMs / 1000),
  model: request.models[0] ?? '',
});

export const answerOf = (generation: Generation, failure?: WaystationError): ChatAnswer => {
  const record = generation.served ?? generation.attempts.at(-1);
  return {
    generationId: generation.generationId,
    createdSeconds: Math.floor(generation.createdAt / 1000),
    model: record?.planned.model ?? generation.request.models[0] ?? '',
    providerName: record?.planned.providerName,
    fileNotes: generation.fileNotes,
    metadataJson: generation.wantsMetadata === true ? metadataJson(generation, failure) : undefined,
  };
};

const shuttingDown = (): WaystationError =>
  new WaystationError('shutting_down', 'This server is shutting down; send the request again.', { retryAfterMs: 1000 });

/** What to tell the client, if anything is left to tell. */
const failureOf = (generation: Generation, loopEnd: LoopEnd): WaystationError | undefined => {
  if (loopEnd === 'served') return undefined;
  if (loopEnd === 'given-up')
    return (
      generation.blocked ??
      (generation.giveUp.reason === 'shutdown'
        ? shuttingDown()
        : new WaystationError('client_closed_request', 'The client closed the connection.'))
    );
  return loopEnd;
};

/** Hands over the answer. An answer that cannot be written is a failure of the attempt that made it. */
const deliver = (
  generation: Generation,
  hold: PlanHold,
  billed: Billed | undefined,
  failure: WaystationError | undefined,
): WaystationError | undefined => {
  if (failure === undefined) {
    try {
      const answer = answerOf(generation);
      if (generation.end?.cutShort === true) generation.delivery.data(cutShort(generation, hold, answer));
      generation.delivery.end(answer, billed?.bill, generation.end?.tail, generation.end?.contentType);
      return undefined;
    } catch (thrown) {
      failure = toWaystationError(thrown);
      spoil(generation, failure);
    }
  }
  generation.delivery.fail(failure, answerOf(generation, failure));
  return failure;
};

const spoil = (generation: Generation, failure: WaystationError): void => {
  const { served } = generation;
  if (served === undefined) return;
  served.outcome = 'failed-before-output';
  served.errorCode = failure.code;
  served.errorMessage = failure.message;
  generation.served = undefined;
};

const outcomeOf = (generation: Generation, failure: WaystationError | undefined): Outcome => {
  if (failure === undefined) return generation.end?.outcome ?? 'completed';
  if (failure.code === 'client_closed_request') return 'cancelled';
  if (failure.code === 'deadline_exceeded') return 'timed-out';
  return generation.served === undefined ? 'failed-before-output' : 'failed-after-output';
};

/** Ends each hold with what the attempt that it was taken for is charged: that of the plan with what served, or broke off; that of a continuation with its own. */
const settle = (
  deps: Pick<GenerateDeps, 'leftOpen'>,
  generation: Generation,
  { hold }: PlanHold,
  billed: Billed | undefined,
): void => {
  const { served, continuedFrom } = generation;
  const further = generation.attempts.find((record) => record.hold !== undefined);
  if (further?.hold !== undefined) {
    const charged = further === served ? { served, billed } : {};
    settleHold(deps, generation, further.hold.hold, charged.served, charged.billed);
  }
  const first = continuedFrom ?? served;
  const ofFirst = continuedFrom === undefined ? billed : billAttempt(continuedFrom, hold.amounts.usd);
  settleHold(deps, generation, hold, first, ofFirst);
};

const settleHold = (
  { leftOpen }: Pick<GenerateDeps, 'leftOpen'>,
  generation: Generation,
  hold: Hold,
  served: AttemptRecord | undefined,
  billed: Billed | undefined,
): void => {
  if (served !== undefined && billed === undefined) return leftOpen.leave(served.attemptId, hold);
  // Where every try was passed over the client was sent away: that counts as no request of theirs, even if one of them reached a provider.
  if (!generation.attempts.some((record) => record.dispatched && record.outcome !== 'passed-over'))
    return hold.settle(NOTHING);
  const decision: Parameters<typeof creditsOf>[0] = billed?.decision ?? { payer: 'waste', amount: 0n };
  const { payer, amount } = decision;
  const paid = billed !== undefined && payer !== 'waste';
  const byok = payer === 'byok' ? amount : 0n;
  hold.settle({
    usd: creditsOf(decision),
    byok: byok < hold.amounts.byok ? byok : hold.amounts.byok,
    requests: hold.amounts.requests,
    tokens: paid ? Math.min(hold.amounts.tokens, inputTokens(billed.usage) + outputTokens(billed.usage)) : 0,
  });
};

/** Knows the id alone: it waits for the journal's ack, and the generation with its request and its answer must not. */
const reportLost =
  (log: Logger, generationId: string) =>
  (error: unknown): void =>
    log.error({ err: error, generationId }, 'a journal line could not be written');

export const finishGeneration = (
  deps: GenerateDeps,
  generation: Generation,
  hold: PlanHold,
  loopEnd: LoopEnd,
): void => {
  const { bus, log } = deps;
  const { served } = generation;
  const billedFirst = served === undefined ? undefined : billAttempt(served, holdOf(served.hold ?? hold));
  const failure = deliver(generation, hold, billBoth(generation, hold, billedFirst), failureOf(generation, loopEnd));
  if (failure === undefined) generation.answered?.(generation);
  const billed = generation.served === undefined ? undefined : billedFirst;
  settle(deps, generation, hold, billed);
  generation.billed = billed;
  generation.failure = failure;
  deps.onFinished(generation, failure, billed);
  if (generation.attempts.length === 0) return;

  const ending: Ending = {
    outcome: outcomeOf(generation, failure),
    error: failure,
    billed: billBoth(generation, hold, billed),
    httpStatus: generation.delivery.status,
    nowMs: deps.nowMs(),
  };
  const lost = reportLost(log, generation.generationId);
  bus.facts.appendSoon(finishedLine(generation, hold, ending, bus.instance)).catch(lost);
  bus.trail.appendSoon(recordedLine(generation, ending)).catch(lost);
};

/** A prompt that was blocked before anything was tried: a record, and nothing for the books. */
export const recordBlocked = (
  { bus, log, nowMs }: GenerateDeps,
  generation: Generation,
  error: WaystationError,
): void => {
  const ending: Ending = {
    outcome: 'failed-before-output',
    error,
    httpStatus: generation.delivery.status,
    nowMs: nowMs(),
  };
  bus.trail.appendSoon(recordedLine(generation, ending)).catch(reportLost(log, generation.generationId));
};
