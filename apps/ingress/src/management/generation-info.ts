// A recorded generation as `GET /generation` of the reference API shows it, and as the status page lists it.
import type { GenerationRecorded } from '@waystation/contracts';
import { inputTokens, outputTokens, type Usage } from '@waystation/generation';
import { optionalUsd, usd } from '../http/send-json.js';
import { chargeInfo, isSettled, type Booked } from './charge-info.js';

const FINISH_WORDS: Readonly<Record<string, string>> = {
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
};
const finishWord = (reason: string | undefined): string | null =>
  reason === undefined ? null : (FINISH_WORDS[reason] ?? reason);

/** The reference's words for jobs; every conversation is `completions`. */
const API_TYPES: Readonly<Record<string, string>> = {
  embeddings: 'embeddings',
  rerank: 'rerank',
  images: 'image',
  speech: 'tts',
  transcriptions: 'stt',
};

const servedAttempt = (record: GenerationRecorded): string | undefined => record.attempts.at(-1)?.attemptId;

const borneBy = (charges: Booked['charges'], payer: Booked['charges'][number]['payer']): bigint =>
  charges.filter((charge) => charge.payer === payer).reduce((sum, { amount }) => sum + BigInt(amount), 0n);

interface Settled {
  readonly usage: Usage;
  readonly source: string | undefined;
  readonly cost: bigint;
  readonly byok: bigint | undefined;
}

/** The cost as billing booked it, once it has. The usage as recorded, or as billing settled it where the ingress could not know. */
const settledOf = (record: GenerationRecorded, { charges }: Booked): Settled => {
  const served = charges.findLast((charge) => charge.attemptId === servedAttempt(record));
  const counted = record.usage === undefined && served !== undefined ? served : record;
  return {
    usage: counted.usage ?? {},
    source: counted.usageSource,
    cost: served === undefined ? BigInt(record.costPicodollars) : borneBy(charges, 'credits'),
    byok: served === undefined ? undefined : borneBy(charges, 'byok'),
  };
};

export const generationInfo = (record: GenerationRecorded, booked: Booked) => {
  const { usage, source, cost, byok } = settledOf(record, booked);
  const prompt = inputTokens(usage);
  const completion = outputTokens(usage);
  return {
    id: record.generationId,
    upstream_id: record.upstreamId ?? null,
    request_id: record.requestId ?? null,
    created_at: new Date(record.createdAt).toISOString(),
    model: record.model ?? record.requestedModels[0] ?? '',
    provider_name: record.providerName ?? null,
    router: null,
    api_type: API_TYPES[record.api] ?? 'completions',
    origin: record.identity.app?.referer ?? '',
    app_id: null,
    http_referer: record.identity.app?.referer ?? null,
    user_agent: record.userAgent ?? null,
    external_user: record.identity.endUserId ?? null,
    session_id: record.identity.sessionId ?? null,
    workspace_id: record.identity.workspaceId,
    preset_id: null,
    data_region: 'global',
    streamed: record.stream,
    cancelled: record.cancelled,
    finish_reason: finishWord(record.finishReason),
    native_finish_reason: record.nativeFinishReason ?? null,
    latency: record.latencyMs ?? null,
    generation_time: record.generationTimeMs,
    moderation_latency: null,
    tokens_prompt: prompt,
    tokens_completion: completion,
    native_tokens_prompt: prompt,
    native_tokens_completion: completion,
    native_tokens_reasoning: usage['reasoning'] ?? 0,
    native_tokens_cached: usage['cacheRead'] ?? 0,
    native_tokens_completion_images: usage['imageOutput'] ?? 0,
    num_media_prompt: null,
    num_media_completion: null,
    num_input_audio_prompt: null,
    num_search_results: null,
    num_fetches: null,
    web_search_engine: null,
    usage: usd(cost),
    total_cost: usd(cost),
    upstream_inference_cost: record.byok ? optionalUsd(byok) : 0,
    cache_discount: null,
    is_byok: record.byok,
    service_tier: null,
    response_cache_source_id: null,
    provider_responses: record.attempts.map((attempt) => ({
      endpoint_id: attempt.attempt.endpointId,
      id: attempt.attemptId,
      is_byok: record.byok,
      latency: attempt.latencyMs ?? null,
      model_permaslug: attempt.attempt.model,
      provider_name: attempt.attempt.providerName,
      status: attempt.upstreamStatus ?? null,
    })),
    // Ours: why it was charged, and what became of it.
    settled: isSettled(record, booked),
    charges: chargeInfo(booked),
    outcome: record.outcome,
    policy_row: record.policyRow,
    usage_source: source ?? null,
    error: record.errorCode === undefined ? null : { code: record.errorCode, message: record.errorMessage ?? null },
    warnings: record.warnings ?? [],
  };
};

/** One line of the status page. */
export const generationLine = (record: GenerationRecorded) => ({
  id: record.generationId,
  createdAt: new Date(record.createdAt).toISOString(),
  model: record.model ?? record.requestedModels[0] ?? '',
  provider: record.providerName ?? null,
  promptTokens: record.usage === undefined ? null : inputTokens(record.usage),
  completionTokens: record.usage === undefined ? null : outputTokens(record.usage),
  cost: record.usage === undefined ? null : usd(record.costPicodollars),
  latencyMs: record.latencyMs ?? null,
  durationMs: record.generationTimeMs,
  outcome: record.outcome,
  error: record.errorCode ?? null,
});
