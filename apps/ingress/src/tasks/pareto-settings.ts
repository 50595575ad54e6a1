// What a request says of a choice by quality and price: the plugin `pareto-router`. https://openrouter.ai/docs/guides/routing/routers/pareto-code-router
import { WaystationError, type QualityMeasure } from '@waystation/contracts';
import { readProviderPreferences } from '@waystation/dialects';
import { QUALITY_DEFAULT } from '@waystation/tasks';

export interface ParetoSettings {
  readonly atLeast: number;
  /** Picodollars per prompt token, as text; where it is set the best under it is asked for, and `atLeast` says nothing. */
  readonly promptPriceMax?: string;
}

type Json = Readonly<Record<string, unknown>>;

const invalid = (field: string, problem: string): never => {
  const at = `plugins.pareto-router.${field}`;
  throw new WaystationError('invalid_request', `${at}: ${problem}`, { details: { field: at } });
};

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const scoreOf = (field: string, value: unknown): number => {
  if (!isSet(value)) return QUALITY_DEFAULT;
  return typeof value === 'number' && value >= 0 && value <= 1
    ? value
    : invalid(field, `Expected a number from 0 to 1, received ${JSON.stringify(value)}`);
};

const capOf = (value: unknown): string | undefined => {
  if (!isSet(value)) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    return invalid('max_price', `Expected USD per million prompt tokens, received ${JSON.stringify(value)}`);
  return readProviderPreferences({ max_price: { prompt: value } }, undefined).maxPrice?.prompt;
};

/** Of a body that its dialect has read. @throws WaystationError `invalid_request` */
export const readParetoSettings = (body: Json, measure: QualityMeasure): ParetoSettings => {
  const plugins = Array.isArray(body['plugins']) ? (body['plugins'] as Json[]) : [];
  const plugin = plugins.find(({ id, enabled }) => id === 'pareto-router' && enabled !== false);
  if (plugin === undefined) return { atLeast: QUALITY_DEFAULT };
  const score = `min_${measure}_score`;
  const known = ['id', 'enabled', score, 'max_price', 'price_source'];
  const unknown = Object.keys(plugin).find((key) => !known.includes(key));
  if (unknown !== undefined) return invalid(unknown, `unknown; known are ${known.slice(2).join(', ')}`);
  // At which price a cap is meant is what every endpoint can be held to, and an average is not.
  if (isSet(plugin['price_source']) && plugin['price_source'] !== 'prompt')
    return invalid('price_source', `Expected prompt, received ${JSON.stringify(plugin['price_source'])}`);
  const atLeast = scoreOf(score, plugin[score]);
  const promptPriceMax = capOf(plugin['max_price']);
  return promptPriceMax === undefined ? { atLeast } : { atLeast, promptPriceMax };
};
