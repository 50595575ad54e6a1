// A Converse request from a canonical call. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
// Invariant: what the API cannot say is told as a loss, or refused by name.
import type { GenerationCall } from '@waystation/generation';
import { present } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Quirks, TranslatedRequest, UpstreamRequest } from '../spec.js';
import { markCall } from '../prompt-cache/mark-call.js';
import { modelFieldsOf, type ModelFields } from './model-fields.js';
import { encodeAws } from './sign-aws.js';
import { toolFieldsOf } from './tools.js';
import { conversationOf, takesCachePoints } from './turns.js';

type Json = Record<string, unknown>;

const HEADERS: Readonly<Record<'stream' | 'body', readonly string[]>> = {
  stream: ['content-type', 'application/json', 'accept', 'application/vnd.amazon.eventstream'],
  body: ['content-type', 'application/json', 'accept', 'application/json'],
};

const UNSAID: Readonly<Record<string, string>> = {
  minP: 'min_p',
  topA: 'top_a',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  repetitionPenalty: 'repetition_penalty',
  seed: 'seed',
  logitBias: 'logit_bias',
  logprobs: 'logprobs',
  topLogprobs: 'top_logprobs',
};

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html: temperature from 0 to 1 */
const inferenceOf = ({ sampling }: GenerationCall, { maxTokens, thinks }: ModelFields, losses: Losses): Json => {
  const { temperature, topP, stop } = sampling;
  for (const name of Object.keys(sampling)) {
    const field = UNSAID[name];
    if (field !== undefined) losses.leaveOut(field);
  }
  if (thinks && temperature !== undefined && temperature !== 1) losses.leaveOut('temperature');
  else if (temperature !== undefined && temperature > 1) losses.clamp('temperature', 1);
  const config: Json = {
    ...present({ maxTokens }),
    ...(temperature === undefined || thinks ? {} : { temperature: Math.min(temperature, 1) }),
    ...present({ topP }),
    ...(stop === undefined || stop.length === 0 ? {} : { stopSequences: stop }),
  };
  return Object.keys(config).length === 0 ? {} : { inferenceConfig: config };
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html */
const outputOf = ({ responseFormat }: GenerationCall, losses: Losses): Json => {
  if (responseFormat?.type === 'json' || responseFormat?.type === 'grammar') losses.leaveOut('response_format');
  if (responseFormat?.type !== 'json-schema') return {};
  const { name, description, schema } = responseFormat;
  const jsonSchema = { schema: JSON.stringify(schema), name, ...(description === undefined ? {} : { description }) };
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } };
};

/** https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html */
const TIERS: ReadonlySet<string> = new Set(['default', 'flex', 'priority', 'reserved']);

const tierOf = ({ serviceTier }: GenerationCall, losses: Losses): Json => {
  if (serviceTier === undefined || serviceTier === 'auto') return {};
  if (TIERS.has(serviceTier)) return { serviceTier: { type: serviceTier } };
  losses.leaveOut('service_tier');
  return {};
};

/** What the operator wants of every call, as data. */
const operatorFields = ({ latency, guardrailIdentifier, guardrailVersion }: Quirks): Json => ({
  ...(typeof latency === 'string' ? { performanceConfig: { latency } } : {}),
  ...(typeof guardrailIdentifier === 'string'
    ? { guardrailConfig: { guardrailIdentifier, guardrailVersion: String(guardrailVersion ?? 'DRAFT') } }
    : {}),
});

export const buildConverse = ({
  call: asked,
  upstreamModel,
  outputTokensMax,
  endUser,
  quirks,
}: TranslatedRequest): UpstreamRequest => {
  const losses = new Losses();
  const context = { losses, quirks };
  const call = takesCachePoints(quirks)
    ? markCall(asked, quirks, { marksTools: quirks['family'] === 'claude' })
    : asked;
  const { system, turns } = conversationOf(call.messages, context);
  const model = modelFieldsOf({ call, outputTokensMax, quirks, losses });
  const tools = toolFieldsOf(call, context);
  if (call.outputModalities?.some((modality) => modality !== 'text') === true) losses.leaveOut('modalities');
  if (call.verbosity !== undefined) losses.leaveOut('verbosity');
  if (call.promptCacheKey !== undefined) losses.leaveOut('prompt_cache_key');
  for (const field of Object.keys(call.extra ?? {})) losses.leaveOut(field);
  const additional = { ...model.fields, ...tools.fields };
  const body: Json = {
    messages: turns,
    ...(system.length === 0 ? {} : { system }),
    ...inferenceOf(call, model, losses),
    ...tools.config,
    ...(Object.keys(additional).length === 0 ? {} : { additionalModelRequestFields: additional }),
    ...outputOf(call, losses),
    ...tierOf(call, losses),
    ...operatorFields(quirks),
    ...(endUser === undefined ? {} : { requestMetadata: { user: endUser } }),
  };
  return {
    path: `/model/${encodeAws(upstreamModel)}/${call.stream ? 'converse-stream' : 'converse'}`,
    headers: HEADERS[call.stream ? 'stream' : 'body'],
    body: Buffer.from(JSON.stringify(body)),
    warnings: losses.warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
