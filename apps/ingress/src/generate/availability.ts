// Why a plan is empty, in the words of the reference API (section 3.3, `error.availability`): a code for programs, what excluded endpoints, and the member to change.
import type { ErrorCode, RoutePlanReply } from '@waystation/contracts';

type Exclusion = RoutePlanReply['excluded'][number];
export type Rule = Exclusion['rule'];

type Cause = 'passing' | 'privacy' | 'region' | 'constraint' | 'catalog';

/** What has to change before an endpoint that a rule excluded could serve. */
const CAUSE_OF: Readonly<Record<Rule, Cause>> = {
  unknown_model: 'catalog',
  not_in_only: 'constraint',
  ignored: 'constraint',
  not_in_order: 'constraint',
  allowed_models: 'constraint',
  allowed_providers: 'constraint',
  'data_policy:training': 'privacy',
  'data_policy:zdr': 'privacy',
  data_region: 'region',
  quantization: 'constraint',
  require_parameters: 'constraint',
  modality: 'constraint',
  context_length: 'constraint',
  max_output: 'constraint',
  max_price: 'constraint',
  not_distillable: 'constraint',
  service_tier: 'constraint',
  no_credential: 'catalog',
  own_key_filter: 'catalog',
  own_key_only: 'catalog',
  capacity: 'passing',
  api: 'catalog',
  disabled: 'catalog',
  down: 'passing',
  resting: 'passing',
  beyond_max_attempts: 'constraint',
  fallbacks_not_allowed: 'constraint',
};

/** The reference's words for what excluded endpoints; our other rules keep their own. */
const SPOKEN: Partial<Record<Rule, string>> = {
  not_in_only: 'allowed_providers',
  ignored: 'allowed_providers',
  not_in_order: 'allowed_providers',
};

/** The member of the request whose change would help, where the rule is one of the request's alone. */
const FIELD_OF: Partial<Record<Rule, string>> = {
  not_in_only: 'provider.only',
  not_in_order: 'provider.order',
  quantization: 'provider.quantizations',
  max_price: 'provider.max_price',
  not_distillable: 'provider.enforce_distillable_text',
  require_parameters: 'provider.require_parameters',
  max_output: 'max_tokens',
  service_tier: 'service_tier',
};

const unique = <T>(items: readonly (T | undefined)[]): T[] => [...new Set(items)].filter((item) => item !== undefined);

export const spokenRules = (rules: readonly Rule[]): string[] => unique(rules.map((rule) => SPOKEN[rule] ?? rule));

/** Whether it passes with time: the answer is "later" instead of "never". */
export const isPassing = (rule: Rule): boolean => CAUSE_OF[rule] === 'passing';

/** The error by which rules that together excluded everything are told. */
export const codeFor = (rules: readonly Rule[]): ErrorCode => {
  if (rules.length === 0) return 'no_endpoints';
  if (rules.some(isPassing)) return rules.includes('capacity') ? 'credential_full' : 'provider_overloaded';
  if (rules.every((rule) => rule === 'context_length')) return 'context_length_exceeded';
  return rules.every((rule) => CAUSE_OF[rule] === 'region') ? 'permission_denied' : 'no_endpoints';
};

/** Several causes have no word of their own. */
const wordFor = (rules: readonly Rule[]): string => {
  // Rules that pass are asked last: what they exclude may serve as far as all others go.
  const causes = new Set(rules.some(isPassing) ? ['passing' as const] : rules.map((rule) => CAUSE_OF[rule]));
  const [cause] = causes;
  if (causes.size !== 1 || cause === undefined) return 'no_endpoints';
  switch (cause) {
    case 'passing':
      return rules.includes('capacity') ? 'capacity_exhausted' : 'temporarily_unavailable';
    case 'privacy':
      return 'privacy_restricted';
    case 'region':
      return 'region_restricted';
    case 'constraint':
      return 'constraint_filtered';
    case 'catalog':
      return rules.every((rule) => rule === 'disabled') ? 'model_unavailable_upstream' : 'no_endpoints';
    default: {
      const unreachable: never = cause;
      return unreachable;
    }
  }
};

const constraintOf = (
  excluded: readonly Exclusion[],
  rules: readonly Rule[],
): { field: string; detail?: string } | undefined => {
  const [only] = rules;
  const field = only === undefined || rules.length > 1 ? undefined : FIELD_OF[only];
  if (field === undefined) return undefined;
  const details = unique(excluded.map(({ detail }) => detail));
  return { field, ...(details.length === 0 ? {} : { detail: details.slice(0, 4).join(', ') }) };
};

/** In camel case, as errors carry it; the dialect writes it. */
export const availabilityOf = (
  models: readonly string[],
  excluded: readonly Exclusion[],
): Readonly<Record<string, unknown>> => {
  const rules = unique(excluded.map(({ rule }) => rule));
  const constraint = constraintOf(excluded, rules);
  return {
    code: wordFor(rules),
    retryable: rules.some(isPassing),
    requestedModels: models,
    affectedProviders: unique(excluded.map(({ provider }) => provider)),
    excludedBy: spokenRules(rules),
    ...(constraint === undefined ? {} : { constraint }),
  };
};

/** Of one endpoint, whose worker found its credential used up when it came to it. */
export const usedUp = (models: readonly string[], provider: string): Readonly<Record<string, unknown>> =>
  availabilityOf(models, [{ model: models[0] ?? '', provider, rule: 'capacity' }]);
