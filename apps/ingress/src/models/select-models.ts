// Filters, sorts and pages of GET /models, as the reference has them. What the catalog has no data for, and a value that nobody knows, is refused, never ignored in silence.
import { WaystationError } from '@waystation/contracts';
import { namesAny } from '@waystation/policy';
import type { ListedModel, ModelInfo } from './model-info.js';

export type Query = Readonly<Record<string, unknown>>;

const LIMIT_DEFAULT = 500;
const LIMIT_MAX = 1000;
const DAY_MS = 86_400_000;

const INPUTS = ['text', 'image', 'file', 'audio', 'video'] as const;
const OUTPUTS = ['text', 'image', 'embeddings', 'audio', 'video', 'rerank', 'speech', 'transcription'] as const;
const REGIONS = ['eu', 'us'] as const;

/** Filters of the reference by use cases, families, licences and benchmarks: nobody here measures or curates them. */
const WITHOUT_DATA: readonly string[] = [
  ...['category', 'arch', 'distillable'],
  ...['intelligence_index', 'coding_index', 'agentic_index', 'tool_success_rate'].flatMap((name) => [
    `min_${name}`,
    `max_${name}`,
  ]),
];
/** Feeds of the reference's site. */
const FEEDS: readonly string[] = ['use_rss', 'use_rss_chat_links'];

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

const wholeOf = (query: Query, name: string, min: number, max: number): number | undefined => {
  const value = numberOf(query, name, min, max);
  return value === undefined || Number.isInteger(value)
    ? value
    : refuse(name, `Expected a whole number, received ${value}`);
};

const listOf = (query: Query, name: string): string[] | undefined =>
  textOf(query, name)
    ?.split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** Words out of a closed set. */
const wordsOf = (query: Query, name: string, known: readonly string[]): string[] | undefined => {
  const words = listOf(query, name);
  const unknown = words?.find((word) => !known.includes(word));
  return unknown === undefined
    ? words
    : refuse(name, `Expected ${known.join(', ')}, received ${JSON.stringify(unknown.slice(0, 64))}`);
};

const wordOf = (query: Query, name: string, known: readonly string[]): string | undefined => {
  const words = wordsOf(query, name, known);
  return words === undefined || words.length <= 1 ? words?.[0] : refuse(name, `Expected one of ${known.join(', ')}`);
};

/** USD per million tokens, for filters only. */
const perMillion = (price: string | undefined): number => Number(price ?? 0) * 1_000_000;

const priceOf = (model: ModelInfo, name: 'prompt' | 'completion'): number => perMillion(model.pricing[name]);

type Filter = (query: Query, nowMs: number) => ((model: ListedModel) => boolean) | undefined;

const within =
  (name: string, compare: (value: number, limit: number) => boolean, of: (model: ModelInfo) => number): Filter =>
  (query) => {
    const limit = numberOf(query, name, 0, Number.MAX_SAFE_INTEGER);
    return limit === undefined ? undefined : ({ info }) => compare(of(info), limit);
  };

const atLeast = (value: number, limit: number): boolean => value >= limit;
const atMost = (value: number, limit: number): boolean => value <= limit;

const ofAge =
  (name: string, compare: (value: number, limit: number) => boolean): Filter =>
  (query, nowMs) => {
    const days = wholeOf(query, name, 0, Number.MAX_SAFE_INTEGER);
    return days === undefined ? undefined : ({ info }) => compare((nowMs - info.created * 1_000) / DAY_MS, days);
  };

const outputModalities: Filter = (query) => {
  const wanted = wordsOf(query, 'output_modalities', [...OUTPUTS, 'all']) ?? ['text'];
  return wanted.includes('all')
    ? undefined
    : ({ info }) => wanted.some((word) => info.architecture.output_modalities.includes(word));
};

const inputModalities: Filter = (query) => {
  const wanted = wordsOf(query, 'input_modalities', INPUTS);
  return wanted && (({ info }) => wanted.every((word) => info.architecture.input_modalities.includes(word)));
};

const parameters: Filter = (query) => {
  const wanted = listOf(query, 'supported_parameters');
  return wanted && (({ info }) => wanted.every((word) => info.supported_parameters.includes(word)));
};

const search: Filter = (query) => {
  const words = textOf(query, 'q')?.toLowerCase();
  return words === undefined
    ? undefined
    : ({ info }) => info.id.toLowerCase().includes(words) || info.name.toLowerCase().includes(words);
};

const authors: Filter = (query) => {
  const wanted = listOf(query, 'model_authors');
  return wanted && (({ info }) => wanted.includes(info.id.split('/', 1)[0] ?? ''));
};

/** By any name that the `provider` object of a request takes. */
const providers: Filter = (query) => {
  const wanted = listOf(query, 'providers');
  if (wanted === undefined) return undefined;
  const names = new Set(wanted.map((name) => name.toLowerCase()));
  return ({ routes }) => routes.some(({ providerNames }) => namesAny(names, providerNames));
};

const zeroRetention: Filter = (query) =>
  wordOf(query, 'zdr', ['true']) === undefined ? undefined : ({ routes }) => routes.some(({ retains }) => !retains);

const region: Filter = (query) => {
  const wanted = wordOf(query, 'region', REGIONS);
  return wanted === undefined ? undefined : ({ routes }) => routes.some((route) => route.region === wanted);
};

const context: Filter = (query) => {
  const tokens = wholeOf(query, 'context', 1, Number.MAX_SAFE_INTEGER);
  return tokens === undefined ? undefined : ({ info }) => info.context_length >= tokens;
};

const FILTERS: readonly Filter[] = [
  ...[outputModalities, inputModalities, parameters, search, authors, providers, zeroRetention, region, context],
  within('min_price', atLeast, (model) => priceOf(model, 'prompt')),
  within('max_price', atMost, (model) => priceOf(model, 'prompt')),
  within('min_output_price', atLeast, (model) => priceOf(model, 'completion')),
  within('max_output_price', atMost, (model) => priceOf(model, 'completion')),
  ofAge('min_age_days', atLeast),
  ofAge('max_age_days', atMost),
];

type Order = (a: ModelInfo, b: ModelInfo) => number;

/** Prompt and completion, half and half. */
const meanPrice = (model: ModelInfo): number => (priceOf(model, 'prompt') + priceOf(model, 'completion')) / 2;

const SORTS: ReadonlyMap<string, Order> = new Map<string, Order>([
  ['newest', (a, b) => b.created - a.created],
  ['pricing-low-to-high', (a, b) => meanPrice(a) - meanPrice(b)],
  ['pricing-high-to-low', (a, b) => meanPrice(b) - meanPrice(a)],
  ['context-high-to-low', (a, b) => b.context_length - a.context_length],
]);

const refuseUnanswerable = (query: Query): void => {
  for (const name of WITHOUT_DATA)
    if (textOf(query, name) !== undefined) refuse(name, 'this catalog has no data for it; leave it out');
  for (const name of FEEDS)
    if (textOf(query, name) !== undefined) refuse(name, 'models are listed as JSON only; leave it out');
};

/** Takes the query's filters and order; no page. */
export const selectModels = (models: readonly ListedModel[], query: Query, nowMs: number): ModelInfo[] => {
  refuseUnanswerable(query);
  const filters = FILTERS.map((filter) => filter(query, nowMs)).filter((filter) => filter !== undefined);
  const selected = models.filter((model) => filters.every((filter) => filter(model))).map(({ info }) => info);
  const sort = textOf(query, 'sort');
  if (sort === undefined) return selected;
  const compare =
    SORTS.get(sort) ??
    refuse('sort', `Expected one of ${[...SORTS.keys()].join(', ')}: this catalog has no data for other orders`);
  return selected.sort(compare);
};

/** The page that the query asks for; all of it where it names neither offset nor limit. The next one has the same filters. */
export const pageOf = (models: readonly ModelInfo[], query: Query, path: string) => {
  const offset = wholeOf(query, 'offset', 0, Number.MAX_SAFE_INTEGER);
  const limit = wholeOf(query, 'limit', 1, LIMIT_MAX);
  const from = offset ?? 0;
  const size = offset === undefined && limit === undefined ? models.length : (limit ?? LIMIT_DEFAULT);
  const asked = Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const next = new URLSearchParams({ ...Object.fromEntries(asked), offset: `${from + size}`, limit: `${size}` });
  return {
    data: models.slice(from, from + size),
    total_count: models.length,
    links: { next: from + size < models.length ? `${path}?${next.toString()}` : null },
  };
};
