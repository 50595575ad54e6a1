// What a request says of how its model is chosen: the plugin `auto-router`. https://openrouter.ai/docs/guides/routing/routers/auto-router
import { COST_TIERS, WaystationError, type CostTier } from '@waystation/contracts';

export interface AutoSettings {
  readonly allowed?: readonly string[];
  readonly excluded?: readonly string[];
  readonly tier?: CostTier;
}

const PATTERNS_MAX = 1_024;
const PATTERN_CHARACTERS_MAX = 1_024;

const invalid = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `plugins.auto-router.${field}: ${problem}`, {
    details: { field: `plugins.auto-router.${field}` },
  });
};

const patternsOf = (field: string, value: unknown): string[] | undefined => {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > PATTERNS_MAX)
    return invalid(field, `Expected an array of at most ${PATTERNS_MAX} patterns`);
  return value.map((pattern: unknown) =>
    typeof pattern === 'string' && pattern.length > 0 && pattern.length <= PATTERN_CHARACTERS_MAX
      ? pattern
      : invalid(field, `Expected strings of 1 to ${PATTERN_CHARACTERS_MAX} characters`),
  );
};

const tierOf = (value: unknown): CostTier | undefined => {
  if (value === undefined || value === null) return undefined;
  return COST_TIERS.find((tier) => tier === value) ?? invalid('cost_tier', `Expected one of ${COST_TIERS.join(', ')}`);
};

type Json = Readonly<Record<string, unknown>>;

/** Of a body that its dialect has read. @throws WaystationError `invalid_request` */
export const readAutoSettings = (body: Json): AutoSettings => {
  const plugins = Array.isArray(body['plugins']) ? (body['plugins'] as Json[]) : [];
  const plugin = plugins.find(({ id, enabled }) => id === 'auto-router' && enabled !== false);
  if (plugin === undefined) return {};
  const allowed = patternsOf('allowed_models', plugin['allowed_models']);
  const excluded = patternsOf('excluded_models', plugin['excluded_models']);
  const tier = tierOf(plugin['cost_tier']);
  return {
    ...(allowed === undefined ? {} : { allowed }),
    ...(excluded === undefined ? {} : { excluded }),
    ...(tier === undefined ? {} : { tier }),
  };
};
