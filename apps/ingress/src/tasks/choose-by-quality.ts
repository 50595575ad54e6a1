// `openrouter/pareto-code` and the like: the cheapest models whose figure of quality is high enough, or the best under a price. The figures are the operator's; where there is none, the refusal
// says so and what to do.
import { priceUsage } from '@waystation/catalog';
import {
  WaystationError,
  type ProviderPreferences,
  type QualityMeasure,
  type RouteFeatures,
} from '@waystation/contracts';
import type { Route } from '@waystation/routing';
import type { CatalogSnapshot } from '@waystation/runtime';
import { chooseAbove, chooseBest, type Candidate, type RatedCandidate } from '@waystation/tasks';
import type { ParetoSettings } from './pareto-settings.js';

/** Tokens that an answer is taken to have: a third of the prompt, the mix by which endpoints are compared everywhere, and not less than this. */
const OUTPUT_TOKENS_MIN = 256;
const PROMPT_PER_OUTPUT = 3;

/** What the request is likely to cost at an endpoint, in picodollars. */
export const likelyCost =
  ({ inputTokensEstimate, maxOutputTokens, serviceTier }: RouteFeatures) =>
  ({ attempt }: Pick<Route, 'attempt'>): bigint => {
    const answer = Math.max(OUTPUT_TOKENS_MIN, Math.ceil(inputTokensEstimate / PROMPT_PER_OUTPUT));
    const output = Math.min(answer, maxOutputTokens ?? answer, attempt.maxOutput ?? answer);
    return priceUsage(attempt.price, { input: inputTokensEstimate, output }, serviceTier);
  };

/** As it is asked of endpoints: the cheapest first, unless the client says otherwise, and under its cap. */
export const preferencesFor = (
  preferences: ProviderPreferences,
  { promptPriceMax }: ParetoSettings,
): ProviderPreferences => {
  const { maxPrice = {}, sort = { by: 'price' } } = preferences;
  if (promptPriceMax === undefined) return { ...preferences, sort };
  const own = maxPrice.prompt;
  const prompt = own !== undefined && BigInt(own) < BigInt(promptPriceMax) ? own : promptPriceMax;
  return { ...preferences, sort, maxPrice: { ...maxPrice, prompt } };
};

interface Asked {
  /** As the client wrote it. */
  readonly router: string;
  readonly measure: QualityMeasure;
  readonly settings: ParetoSettings;
}

/** @throws WaystationError `model_not_found` where the operator gave no figure; `no_endpoints` where none is high enough among those that can serve */
export const chooseByQuality = (
  { models }: Pick<CatalogSnapshot, 'models'>,
  candidates: readonly Candidate[],
  { router, measure, settings }: Asked,
): { readonly rule: string; readonly models: string[] } => {
  const figureOf = (model: string): number | undefined => models.get(model)?.quality?.[measure];
  if (![...models.keys()].some((model) => figureOf(model) !== undefined))
    throw new WaystationError(
      'model_not_found',
      `${router} needs a figure of quality for each model, and this catalog has none about ${measure}: the operator gives them, as quality: { ${measure}: 0.7 } of an endpoint in the operator's file or of a private provider; ask for waystation/auto, whose rules choose by task and price.`,
    );
  const rated: RatedCandidate[] = candidates.map((each) => ({ ...each, quality: figureOf(each.model) }));
  const { atLeast, promptPriceMax } = settings;
  const chosen = promptPriceMax === undefined ? chooseAbove(rated, atLeast) : chooseBest(rated);
  if (chosen.length === 0) {
    const figures = rated.flatMap(({ quality }) => quality ?? []);
    const wanted = promptPriceMax === undefined ? ` of ${atLeast} or more` : '';
    throw new WaystationError(
      'no_endpoints',
      `No models match your request and model restrictions: ${router} asks for a figure of quality about ${measure}${wanted}; of ${rated.length} models that can serve the request ${figures.length} have one${figures.length === 0 ? '' : `, ${Math.max(...figures)} at most`}.`,
    );
  }
  const rule =
    promptPriceMax === undefined ? `cheapest with ${measure} >= ${atLeast}` : `best ${measure} under a price`;
  return { rule, models: chosen };
};
