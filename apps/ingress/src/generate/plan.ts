// Asks the router for the plan. Its answer is either endpoints to try, or a refusal that says which rules left none.
import type { Bus } from '@waystation/bus';
import {
  RoutePlan,
  WaystationError,
  toWaystationError,
  type RoutePlanReply,
  type RoutePlanRequest,
} from '@waystation/contracts';
import { availabilityOf, codeFor, isPassing, spokenRules, type Rule } from './availability.js';
import type { Generation } from './generation.js';

/** The router answers from memory; while the bus is away callers are told within a second. */
const PLAN_TIMEOUT_MS = 800;
const EXCLUSIONS_TOLD_MAX = 16;
/** Where no rule says when it passes. */
const RETRY_AFTER_MS = 1_000;
const REASONS_TOLD_MAX = 4;

type Exclusion = RoutePlanReply['excluded'][number];

const POLICY_LINES: Partial<Record<Rule, string>> = {
  'data_policy:training': 'No endpoints found matching your data policy (Paid model training).',
  'data_policy:zdr': 'No endpoints found matching your data policy (Zero data retention).',
  data_region: 'No endpoints found in the regions that your policy allows.',
  require_parameters: 'No endpoints found that support the requested parameters.',
  modality: 'No endpoints found that support the modalities of the input.',
  max_price: 'No endpoints found within your max_price.',
  quantization: 'No endpoints found with the requested quantizations.',
  not_distillable: 'No endpoints found whose model may be distilled (provider.enforce_distillable_text).',
};

const unique = <T>(items: readonly (T | undefined)[]): T[] => [...new Set(items)].filter((item) => item !== undefined);

const messageFor = (
  models: readonly string[],
  excluded: readonly Exclusion[],
  rules: readonly Rule[],
  generation: Generation,
): string => {
  const named = models.join(', ');
  const [only] = rules;
  if (only === 'context_length' && rules.length === 1) {
    const { compression } = generation.request.features;
    const detail = excluded.find((each) => each.detail !== undefined)?.detail;
    return `The prompt is too long for every endpoint of ${named}: it has about ${generation.request.features.longestInputTokens ?? generation.request.features.inputTokensEstimate} tokens.${detail === undefined ? '' : ` ${detail}.`} Shorten it${compression === 'always' ? '' : ', or ask for the plugin context-compression, which shortens prompts of up to twice the context'}.`;
  }
  const passing = rules.filter(isPassing);
  if (passing.length > 0)
    return `Every endpoint of ${named}${passing.length < rules.length ? ' that may serve' : ''} is unavailable for the moment (${passing.join(', ')}); try again.`;
  if (rules.length === 1 && only === 'not_in_only') {
    const serving = unique(excluded.map((each) => each.provider)).join(', ');
    const permitted = (generation.request.preferences.only ?? []).join(', ');
    return `No allowed providers are available for the selected model. Providers serving ${named}: ${serving}, but your request's provider.only preference permits only: ${permitted}.`;
  }
  const reasons = only === 'disabled' && rules.length === 1 ? unique(excluded.map(({ detail }) => detail)) : [];
  if (reasons.length > 0) return `No endpoints found for ${named}: ${reasons.slice(0, REASONS_TOLD_MAX).join('; ')}.`;
  if (rules.length === 1 && only !== undefined && POLICY_LINES[only] !== undefined) return POLICY_LINES[only];
  return rules.length === 0
    ? `No endpoints found for ${named}.`
    : `No endpoints found for ${named}. Excluded by: ${spokenRules(rules).join(', ')}.`;
};

/** When the first of those that pass may have passed. */
const soonest = (excluded: readonly Exclusion[]): number =>
  Math.min(...excluded.filter(({ rule }) => isPassing(rule)).map(({ retryAfterMs = RETRY_AFTER_MS }) => retryAfterMs));

/** The error for a plan without attempts. */
export const nothingEligible = (
  models: readonly string[],
  reply: RoutePlanReply,
  generation: Generation,
): WaystationError => {
  const rules = unique(reply.excluded.map((each) => each.rule));
  return new WaystationError(codeFor(rules), messageFor(models, reply.excluded, rules, generation), {
    details: {
      excluded: reply.excluded.slice(0, EXCLUSIONS_TOLD_MAX),
      availability: availabilityOf(models, reply.excluded),
    },
    ...(rules.some(isPassing) ? { retryAfterMs: soonest(reply.excluded) } : {}),
  });
};

const unknownModel = (models: readonly string[], cause: WaystationError): WaystationError => {
  const [first] = models;
  return new WaystationError('model_not_found', `${first ?? ''} is not a valid model ID`, {
    cause,
    details: { availability: { code: 'model_not_found', retryable: false, requestedModels: models } },
  });
};

/** Errors of the call itself, as the client should see them. */
const planError = (thrown: unknown, models: readonly string[]): WaystationError => {
  const error = toWaystationError(thrown);
  if (error.code === 'model_not_found') return models.length === 1 ? unknownModel(models, error) : error;
  if (error.code === 'deadline_exceeded' || error.code === 'no_responder') {
    return new WaystationError('no_responder', 'No router answered in time; try again.', {
      cause: error,
      retryAfterMs: 1000,
    });
  }
  return error;
};

/** @throws WaystationError `model_not_found`, `no_endpoints`, `context_length_exceeded`, `provider_overloaded`, `no_responder`, … */
export const planGeneration = async (bus: Bus, generation: Generation): Promise<RoutePlanReply> => {
  const { request, caller } = generation;
  const named = request.models.length > 0 ? request.models : unique([caller.workspace.defaultModel]);
  const models = generation.choice?.models ?? named;
  if (models.length === 0)
    throw new WaystationError('invalid_request', 'No models provided', { details: { field: 'model' } });
  const { policyIds } = caller;
  const asked: RoutePlanRequest = {
    v: 1,
    generationId: generation.generationId,
    identity: generation.identity,
    models: [...models],
    preferences: generation.choice?.preferences ?? request.preferences,
    features: request.features,
    policyIds: policyIds.length === 0 ? undefined : [...policyIds],
    explain: generation.keepsDecision === undefined ? undefined : true,
  };
  const reply = await bus.request(RoutePlan, asked, { timeoutMs: PLAN_TIMEOUT_MS }).catch((thrown: unknown) => {
    throw planError(thrown, models);
  });
  generation.plan = reply;
  generation.planAsked = asked;
  if (reply.attempts.length === 0) throw nothingEligible(models, reply, generation);
  return reply;
};
