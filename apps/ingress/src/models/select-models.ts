// Filters, sorts and pages of GET /models. A filter that the catalog has no data for is refused, never ignored in silence.
import { WaystationError } from '@waystation/contracts';
import type { ModelInfo } from './model-info.js';

type Query = Readonly<Record<string, unknown>>;

const LIMIT_DEFAULT = 500;
const LIMIT_MAX = 1000;

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

const textOf = (query: Query, name: string): string | undefined => {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  return typeof value === 'string' ? value : refuse(name, 'Expected the parameter once');
};

const numberOf = (query: Query, name: string, min: number, max: number): number | undefined => {
  const text = textOf(query, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= min && value <= max
    ? value
    : refuse(name, `Expected a number from ${min} to ${max}`);
};

const listOf = (query: Query, name: string): string[] | undefined =>
  textOf(query, name)
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** USD per million tokens, for filters only. */
const perMillion = (price: string | undefined): number => Number(price ?? 0) * 1_000_000;

const priceOf = (model: ModelInfo, name: 'prompt' | 'completion'): number => perMillion(model.pricing[name]);

type Filter = (query: Query) => ((model: ModelInfo) => boolean) | undefined;

const holdsAll =
  (name: string, of: (model: ModelInfo) => readonly string[]): Filter =>
  (query) => {
    const wanted = listOf(query, name);
    return wanted === undefined ? undefined : (model) => wanted.every((word) => of(model).includes(word));
  };

const within =
  (name: string, compare: (value: number, limit: number) => boolean, of: (model: ModelInfo) => number): Filter =>
  (query) => {
    const limit = numberOf(query, name, 0, Number.MAX_SAFE_INTEGER);
    return limit === undefined ? undefined : (model) => compare(of(model), limit);
  };

const atLeast = (value: number, limit: number): boolean => value >= limit;
const atMost = (value: number, limit: number): boolean => value <= limit;

const outputModalities: Filter = (query) => {
  const wanted = listOf(query, 'output_modalities') ?? ['text'];
  return wanted.includes('all')
    ? undefined
    : (model) => wanted.some((word) => model.architecture.output_modalities.includes(word));
};

const search: Filter = (query) => {
  const words = textOf(query, 'q')?.toLowerCase();
  return words === undefined
    ? undefined
    : (model) => model.id.toLowerCase().includes(words) || model.name.toLowerCase().includes(words);
};

const authors: Filter = (query) => {
  const wanted = listOf(query, 'model_authors');
  return wanted === undefined ? undefined : (model) => wanted.includes(model.id.split('/', 1)[0] ?? '');
};

const FILTERS: readonly Filter[] = [
  outputModalities,
  search,
  authors,
  holdsAll('supported_parameters', (model) => model.supported_parameters),
  holdsAll('input_modalities', (model) => model.architecture.input_modalities),
  within('context', atLeast, (model) => model.context_length),
  within('min_price', atLeast, (model) => priceOf(model, 'prompt')),
  within('max_price', atMost, (model) => priceOf(model, 'prompt')),
  within('min_output_price', atLeast, (model) => priceOf(model, 'completion')),
  within('max_output_price', atMost, (model) => priceOf(model, 'completion')),
];

const SORTS: ReadonlyMap<string, (a: ModelInfo, b: ModelInfo) => number> = new Map<
  string,
  (a: ModelInfo, b: ModelInfo) => number
>([
  ['newest', (a, b) => b.created - a.created],
  [
    'pricing-low-to-high',
    (a, b) => priceOf(a, 'prompt') + priceOf(a, 'completion') - priceOf(b, 'prompt') - priceOf(b, 'completion'),
  ],
  [
    'pricing-high-to-low',
    (a, b) => priceOf(b, 'prompt') + priceOf(b, 'completion') - priceOf(a, 'prompt') - priceOf(a, 'completion'),
  ],
  ['context-high-to-low', (a, b) => b.context_length - a.context_length],
]);

/** Takes the query's filters and order; no page. */
export const selectModels = (models: readonly ModelInfo[], query: Query): ModelInfo[] => {
  const filters = FILTERS.map((filter) => filter(query)).filter((filter) => filter !== undefined);
  const selected = models.filter((model) => filters.every((filter) => filter(model)));
  const sort = textOf(query, 'sort');
  if (sort === undefined) return selected;
  const compare =
    SORTS.get(sort) ??
    refuse('sort', `Expected one of ${[...SORTS.keys()].join(', ')}: this catalog has no data for other orders`);
  return selected.sort(compare);
};

/** The page that the query asks for; all of it where it names neither offset nor limit. */
export const pageOf = (models: readonly ModelInfo[], query: Query, path: string) => {
  const offset = numberOf(query, 'offset', 0, Number.MAX_SAFE_INTEGER);
  const limit = numberOf(query, 'limit', 1, LIMIT_MAX);
  const from = offset ?? 0;
  const size = offset === undefined && limit === undefined ? models.length : (limit ?? LIMIT_DEFAULT);
  const next = from + size < models.length ? `${path}?offset=${from + size}&limit=${size}` : null;
  return { data: models.slice(from, from + size), total_count: models.length, links: { next } };
};
