// Gives an answer again: it gets the id of its own generation and a bill of nothing, and the trail is told whose it was. There is no money line, since there was no attempt.
import { toWaystationError, type GenerationRecorded } from '@waystation/contracts';
import { replayAnswer, type ChatAnswer, type ChatBill } from '@waystation/dialects';
import { CACHE_HIT } from '@waystation/ledger';
import type { Delivery } from '../deliver/delivery.js';
import type { GenerateDeps } from '../generate/generate.js';
import { identityOf, type GenerationRequest } from '../generate/generation.js';
import type { FoundAnswer } from './seal-answer.js';

const NOTHING_USED: ChatBill = { usage: {}, cost: 0n, promptCost: 0n, completionCost: 0n, byok: false };
const MS_PER_SECOND = 1_000;

const secondsBetween = (fromMs: number, toMs: number): number =>
  Math.max(0, Math.floor((toMs - fromMs) / MS_PER_SECOND));

const recordedLine = (
  asked: GenerationRequest,
  { kept }: FoundAnswer,
  createdAt: number,
  tookMs: number,
  httpStatus: number,
): GenerationRecorded => ({
  kind: 'generation.recorded',
  v: 1,
  generationId: asked.generationId,
  identity: identityOf(asked),
  createdAt,
  api: asked.request.features.api,
  requestedModels: [...asked.request.models],
  model: kept.model,
  provider: kept.provider,
  providerName: kept.providerName,
  endpointId: kept.endpointId,
  stream: asked.request.stream,
  cancelled: false,
  outcome: 'completed',
  finishReason: kept.finishReason,
  nativeFinishReason: kept.nativeFinishReason,
  httpStatus,
  usage: {},
  costPicodollars: '0',
  policyRow: CACHE_HIT.name,
  byok: false,
  latencyMs: tookMs,
  generationTimeMs: tookMs,
  userAgent: asked.userAgent?.slice(0, 256),
  requestId: asked.requestId,
  attempts: [],
  responseCacheSourceId: kept.generationId,
});

const deliver = (asked: GenerationRequest, delivery: Delivery, found: FoundAnswer, answer: ChatAnswer): void => {
  const { kept, data, tail } = found;
  const terms = {
    stream: asked.request.stream,
    from: kept.generationId,
    to: answer.generationId,
    createdSeconds: answer.createdSeconds,
  };
  delivery.restart(() => undefined);
  delivery.data(replayAnswer(data, terms));
  delivery.end(answer, NOTHING_USED, tail && replayAnswer(tail, terms).toString(), kept.contentType);
};

/** Never throws. */
export const replay = (
  { bus, log, nowMs }: GenerateDeps,
  asked: GenerationRequest,
  delivery: Delivery,
  found: FoundAnswer,
): void => {
  const startedMs = performance.now();
  const createdAt = nowMs();
  const { kept, expiresAt } = found;
  const answer: ChatAnswer = {
    generationId: asked.generationId,
    createdSeconds: Math.floor(createdAt / MS_PER_SECOND),
    model: kept.model ?? asked.request.models[0] ?? '',
    providerName: kept.providerName,
  };
  asked.head.cache = {
    status: 'HIT',
    ageSeconds: secondsBetween(kept.keptAt, createdAt),
    ttlSeconds: secondsBetween(createdAt, expiresAt),
    sourceId: kept.generationId,
  };
  try {
    deliver(asked, delivery, found, answer);
  } catch (thrown) {
    delivery.fail(toWaystationError(thrown), answer);
  }
  const line = recordedLine(asked, found, createdAt, performance.now() - startedMs, delivery.status);
  bus.trail
    .appendSoon(line)
    .catch((error: unknown) =>
      log.error({ err: error, generationId: asked.generationId }, 'a journal line could not be written'),
    );
};
