// Each rule that excludes an endpoint, in words for whoever asks why it was not taken.
import type { ExclusionRule } from '@waystation/contracts';

const WORDS: Readonly<Record<ExclusionRule, string>> = {
  unknown_model: 'The catalog has no such model.',
  not_in_only: 'The request names in provider.only whom it allows, and this one is not among them.',
  ignored: 'The request or a guardrail ignores the provider.',
  not_in_order: 'The request allows no fallbacks, and this one is not in its provider.order.',
  allowed_models: 'A guardrail does not allow the model.',
  allowed_providers: 'A guardrail does not allow the provider.',
  'data_policy:training': 'It may train on what it is sent, and the request or a guardrail forbids that.',
  'data_policy:zdr': 'It keeps what it is sent, and the request or a guardrail asks for zero data retention.',
  data_region: 'It is not known to run in a region that a guardrail allows.',
  quantization: 'The request names quantizations, and its own is not among them.',
  require_parameters: 'It does not take a parameter of the request that must not be left out, or that others do take.',
  modality: 'It does not take or make what the request holds or asks for.',
  context_length: 'The prompt does not fit into its context, or fits into that of others.',
  max_output: 'The request asks for more output than it makes.',
  max_price: 'It costs more than the request or a policy allows.',
  not_distillable:
    'The request asks for a model whose answers others may be trained on, and its author is not known to allow that.',
  service_tier:
    'It is of a service tier that the request does not ask for, or the request keeps to a tier that it does not have.',
  no_credential: 'There is no key to ask it with.',
  own_key_filter: 'A filter of the own key keeps this call from being asked with it.',
  own_key_only: "The workspace's own key is always used there, so the station's capacity is not.",
  capacity: 'What its key may be asked for was used up.',
  api: 'It does not serve this kind of request.',
  disabled: 'It is switched off in the catalog.',
  down: 'Too many calls to it failed of late, or its provider refuses the key. Unless it fails them all, it is left out only where others are left.',
  resting: 'Its provider asked for a rest, and others were left.',
  beyond_max_attempts: 'Enough others come before it.',
  fallbacks_not_allowed: 'The request allows no fallbacks, and another one comes first.',
};

export const tellRule = (rule: ExclusionRule, detail?: string): string =>
  detail === undefined ? WORDS[rule] : `${WORDS[rule]} (${detail})`;
