// Asks the router for the plan. Its answer is either endpoints to try, or a refusal that says which rules left none.
import type { Bus } from '@waystation/bus';
import {
  RoutePlan,
  WaystationError,
  toWaystationError,
  type ErrorCode,
  type RoutePlanReply,
  type RoutePlanRequest,
} from '@waystation/contracts';
import type { Generation } from './generation.js';

/** The router answers from memory; while the bus is away callers are told within a second. */
const PLAN_TIMEOUT_MS = 800;
const EXCLUSIONS_TOLD_MAX = 16;
const REASONS_TOLD_MAX = 4;

type Exclusion = RoutePlanReply['excluded'][number];
type Rule = Exclusion['rule'];

/** The reference's words for what excluded endpoints; our other rules keep their own. */
const SPOKEN: Partial<Record<Rule, string>> = {
  not_in_only: 'allowed_providers',
  ignored: 'allowed_providers',
  not_in_order: 'allowed_providers',
};

const POLICY_LINES: Partial<Record<Rule, string>> = {
  'data_policy:training': 'No endpoints found matching your data policy (Paid model training).',
  'data_policy:zdr': 'No endpoints found matching your data policy (Zero data retention).',
  data_region: 'No endpoints found in the regions that your policy allows.',
  require_parameters: 'No endpoints found that support the requested parameters.',
  modality: 'No endpoints found that support the modalities of the input.',
  max_price: 'No endpoints found within your max_price.',
  quantization: 'No endpoints found with the requested quantizations.',
};

/** Rules that pass with time: the answer is "later" instead of "never". */
const PASSING: ReadonlySet<Rule> = new Set(['down', 'resting', 'capacity']);

const unique = <T>(items: readonly (T | undefined)[]): T[] => [...new Set(items)].filter((item) => item !== undefined);

const codeFor = (rules: readonly Rule[]): ErrorCode => {
  if (rules.length > 0 && rules.every((rule) => PASSING.has(rule)))
    return rules.includes('capacity') ? 'provider_rate_limited' : 'provider_overloaded';
  return rules.length > 0 && rules.every((rule) => rule === 'context_length')
    ? 'context_length_exceeded'
    : 'no_endpoints';
};

const AVAILABILITY_CODES: Partial<Record<ErrorCode, string>> = {
  provider_rate_limited: 'capacity_exhausted',
  provider_overloaded: 'temporarily_unavailable',
};

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
  if (rules.length === 1 && only !== undefined && PASSING.has(only))
    return `Every endpoint of ${named} is unavailable for the moment (${only}); try again.`;
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
    : `No endpoints found for ${named}. Excluded by: ${rules.map((rule) => SPOKEN[rule] ?? rule).join(', ')}.`;
};

/** The error for a plan without attempts. */
export const nothingEligible = (
  models: readonly string[],
  reply: RoutePlanReply,
  generation: Generation,
): WaystationError => {
  const rules = unique(reply.excluded.map((each) => each.rule));
  const code = codeFor(rules);
  const passing = AVAILABILITY_CODES[code] !== undefined;
  return new WaystationError(code, messageFor(models, reply.excluded, rules, generation), {
    details: {
      excluded: reply.excluded.slice(0, EXCLUSIONS_TOLD_MAX),
      availability: {
        code: AVAILABILITY_CODES[code] ?? 'no_endpoints',
        retryable: passing,
        requestedModels: models,
        affectedProviders: unique(reply.excluded.map((each) => each.provider)),
        excludedBy: unique(rules.map((rule) => SPOKEN[rule] ?? rule)),
      },
    },
    ...(passing ? { retryAfterMs: 1000 } : {}),
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
  const models = request.models.length > 0 ? request.models : unique([caller.workspace.defaultModel]);
  if (models.length === 0)
    throw new WaystationError('invalid_request', 'No models provided', { details: { field: 'model' } });
  const { policyIds } = caller;
  const asked: RoutePlanRequest = {
    v: 1,
    generationId: generation.generationId,
    identity: generation.identity,
    models: [...models],
    preferences: request.preferences,
    features: request.features,
    policyIds: policyIds.length === 0 ? undefined : [...policyIds],
    ...(generation.keepsDecision === undefined ? {} : { explain: true }),
  };
  const reply = await bus.request(RoutePlan, asked, { timeoutMs: PLAN_TIMEOUT_MS }).catch((thrown: unknown) => {
    throw planError(thrown, models);
  });
  generation.plan = reply;
  generation.plannedModels = models;
  if (reply.attempts.length === 0) throw nothingEligible(models, reply, generation);
  return reply;
};
