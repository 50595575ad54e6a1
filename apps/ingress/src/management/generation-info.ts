// A generation as `GET /generation` of the reference API shows it, from its record and its bill, and as the status page lists it.
import { unixOfGeneration, type GenerationRecorded } from '@waystation/contracts';
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

const borneBy = (charges: Booked['charges'], payer: Booked['charges'][number]['payer']): bigint =>
  charges.filter((charge) => charge.payer === payer).reduce((sum, { amount }) => sum + BigInt(amount), 0n);

interface Settled {
  readonly usage: Usage;
  readonly source: string | undefined;
  readonly cost: bigint;
  readonly byok: bigint | undefined;
}

type Charge = Booked['charges'][number];

/** The cost as billing booked it, once it has. The usage as recorded, or as billing settled it where the ingress could not know. */
const settledOf = (
  record: GenerationRecorded | undefined,
  served: Charge | undefined,
  { charges }: Booked,
): Settled => {
  const counted = record?.usage === undefined && served !== undefined ? served : record;
  return {
    usage: counted?.usage ?? {},
    source: counted?.usageSource,
    cost: served === undefined ? BigInt(record?.costPicodollars ?? 0) : borneBy(charges, 'credits'),
    byok: served === undefined ? undefined : borneBy(charges, 'byok'),
  };
};

/** The charge of the attempt that ended the generation, as it stands. */
const servedCharge = (record: GenerationRecorded | undefined, { charges }: Booked): Charge | undefined => {
  const served = record === undefined ? charges.at(-1)?.attemptId : record.attempts.at(-1)?.attemptId;
  return charges.findLast((charge) => charge.attemptId === served);
};

const recordedResponse = (attempt: GenerationRecorded['attempts'][number]) => ({
  endpoint_id: attempt.attempt.endpointId,
  id: attempt.attemptId,
  is_byok: attempt.ownKeyId !== undefined,
  latency: attempt.latencyMs ?? null,
  model_permaslug: attempt.attempt.model,
  provider_name: attempt.attempt.providerName,
  status: attempt.upstreamStatus ?? null,
});

const bookedResponse = (byok: boolean, attempt: NonNullable<Booked['attempts']>[number]) => ({
  endpoint_id: attempt.endpointId,
  id: attempt.attemptId,
  is_byok: byok,
  latency: null,
  model_permaslug: attempt.model,
  provider_name: null,
  status: null,
});

/** Which generation is meant, with its record unless that was lost. */
export interface ShownGeneration {
  readonly generationId: string;
  readonly workspaceId: string;
  readonly record: GenerationRecorded | undefined;
}

const NO_RECORD =
  'There is no record of this generation: the process that served it was lost before it wrote one, or is still at it. What is booked of it is shown; what only its record tells is null.';

/** What only the record tells is null where there is none. */
export const generationInfo = ({ generationId, workspaceId, record }: ShownGeneration, booked: Booked) => {
  const served = servedCharge(record, booked);
  const { usage, source, cost, byok } = settledOf(record, served, booked);
  const isByok = record?.byok ?? served?.payer === 'byok';
  const attempts = booked.attempts ?? [];
  const prompt = inputTokens(usage);
  const completion = outputTokens(usage);
  const app = record?.identity.app;
  return {
    id: generationId,
    upstream_id: record?.upstreamId ?? null,
    request_id: record?.requestId ?? null,
    created_at: new Date(record?.createdAt ?? unixOfGeneration(generationId) * 1_000).toISOString(),
    model: record?.model ?? record?.requestedModels[0] ?? attempts.at(-1)?.model ?? '',
    provider_name: record?.providerName ?? null,
    router: record?.decision?.router ?? null,
    api_type: record === undefined ? null : (API_TYPES[record.api] ?? 'completions'),
    origin: record === undefined ? null : (app?.referer ?? ''),
    app_id: null,
    http_referer: app?.referer ?? null,
    user_agent: record?.userAgent ?? null,
    external_user: record?.identity.endUserId ?? null,
    session_id: record?.identity.sessionId ?? null,
    workspace_id: workspaceId,
    preset_id: record?.presetId ?? null,
    data_region: 'global',
    streamed: record?.stream ?? null,
    cancelled: record?.cancelled ?? null,
    finish_reason: finishWord(record?.finishReason),
    native_finish_reason: record?.nativeFinishReason ?? null,
    latency: record?.latencyMs ?? null,
    generation_time: record?.generationTimeMs ?? null,
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
    upstream_inference_cost: isByok ? optionalUsd(byok) : 0,
    cache_discount: null,
    is_byok: isByok,
    service_tier: null,
    response_cache_source_id: record?.responseCacheSourceId ?? null,
    provider_responses:
      record === undefined
        ? attempts.map((attempt) => bookedResponse(isByok, attempt))
        : record.attempts.map(recordedResponse),
    // Ours: its labels, why it was charged, what became of it, and where to read why it was routed as it was.
    tags: record?.identity.tags ?? [],
    settled: isSettled(record, booked),
    charges: chargeInfo(booked),
    outcome: record?.outcome ?? served?.outcome ?? null,
    policy_row: record?.policyRow ?? served?.policyRow ?? null,
    usage_source: source ?? null,
    error: record?.errorCode === undefined ? null : { code: record.errorCode, message: record.errorMessage ?? null },
    decision_path: record?.decisionKept === true ? `/api/v1/generation/decision?id=${generationId}` : null,
    warnings: record === undefined ? [NO_RECORD] : (record.warnings ?? []),
    content_filters: (record?.verdicts ?? []).map(({ guardrailId, filter, action, side, count }) => ({
      ...{ guardrail_id: guardrailId, filter, action, side, count },
    })),
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
