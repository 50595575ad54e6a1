// The `provider` object: validated strictly (an unknown key is refused, never ignored: a misspelt `zdr` must not route), then named as the contracts do.
// Semantics: the reference API's provider selection page.
import { parseUsd, type ProviderPreferences } from '@waystation/contracts';
import { CHAT_LIMITS } from './chat-request.js';
import {
  aBoolean,
  aListOf,
  aNumber,
  aStringOf,
  checkOptional,
  isObject,
  oneOf,
  quote,
  refuse,
  refuseUnknownKeys,
  typeOf,
  type Check,
} from './check-type.js';

const SORTS = ['price', 'throughput', 'latency', 'exacto'] as const;
const PARTITIONS = ['model', 'none'] as const;
const PERCENTILES = ['p50', 'p75', 'p90', 'p99'] as const;
const QUANTIZATIONS = [
  'int4',
  'int8',
  'fp4',
  'mxfp4',
  'nvfp4',
  'fp6',
  'fp8',
  'mxfp8',
  'fp16',
  'bf16',
  'fp32',
  'unknown',
];
const MAX_PRICES = ['prompt', 'completion', 'request', 'image', 'audio'] as const;
/** `prompt` and `completion` are in USD per million tokens; the others in USD per unit. */
const TOKENS_PER_PRICE: Readonly<Record<(typeof MAX_PRICES)[number], bigint>> = {
  prompt: 1_000_000n,
  completion: 1_000_000n,
  request: 1n,
  image: 1n,
  audio: 1n,
};

const slugs = aListOf(aStringOf(128), CHAT_LIMITS.slugs);

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['order', slugs],
  ['only', slugs],
  ['ignore', slugs],
  ['allow_fallbacks', aBoolean],
  ['require_parameters', aBoolean],
  ['data_collection', oneOf(['deny', 'allow'])],
  ['zdr', aBoolean],
  ['enforce_distillable_text', aBoolean],
  ['quantizations', aListOf(oneOf(QUANTIZATIONS), 32)],
  [
    'sort',
    (value) =>
      typeof value === 'string'
        ? oneOf(SORTS)(value)
        : isObject(value)
          ? undefined
          : `Expected string or object, received ${typeOf(value)}`,
  ],
  ['max_price', (value) => (isObject(value) ? undefined : `Expected object, received ${typeOf(value)}`)],
  ['preferred_min_throughput', (value) => (isObject(value) ? undefined : aNumber(value))],
  ['preferred_max_latency', (value) => (isObject(value) ? undefined : aNumber(value))],
]);
const KNOWN = new Set(CHECKS.keys());

/** Clients may write a provider's display name (`Google Vertex`) where a slug (`google-vertex`) is meant. */
export const slugOfName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');

const WORD = {
  sort: new Set<string>(['by', 'partition']),
  price: new Set<string>(MAX_PRICES),
  percentile: new Set<string>(PERCENTILES),
};

const readSort = (value: unknown): ProviderPreferences['sort'] => {
  if (value === undefined || value === null) return undefined;
  const sort = isObject(value) ? value : { by: value };
  refuseUnknownKeys('provider.sort', sort, WORD.sort);
  checkOptional('provider.sort.by', sort['by'], oneOf(SORTS));
  checkOptional('provider.sort.partition', sort['partition'], oneOf(PARTITIONS));
  const by = SORTS.find((word) => word === sort['by']);
  const partition = PARTITIONS.find((word) => word === sort['partition']);
  return by === undefined && partition === undefined
    ? undefined
    : { ...(by === undefined ? {} : { by }), ...(partition === undefined ? {} : { partition }) };
};

/** A price ceiling as exact picodollars per token or unit; what is finer than a picodollar cannot be exceeded by a price and is cut off. */
const readPrice = (field: string, value: unknown, tokens: bigint): string => {
  const text =
    typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e15
      ? /e/i.test(String(value))
        ? value.toFixed(12)
        : String(value)
      : value;
  const pico = typeof text === 'string' ? parseUsd(text.trim()) : undefined;
  if (pico === undefined || pico < 0n)
    return refuse(
      field,
      `Expected a price in USD, as a decimal number or text, received ${typeof value === 'string' ? quote(value) : typeOf(value)}`,
    );
  return (pico / tokens).toString();
};

const readMaxPrice = (value: unknown): ProviderPreferences['maxPrice'] => {
  if (!isObject(value)) return undefined;
  refuseUnknownKeys('provider.max_price', value, WORD.price);
  const prices = MAX_PRICES.filter((name) => value[name] !== undefined && value[name] !== null);
  return Object.fromEntries(
    prices.map((name) => [name, readPrice(`provider.max_price.${name}`, value[name], TOKENS_PER_PRICE[name])]),
  );
};

const readPercentiles = (
  field: string,
  value: unknown,
): Partial<Record<(typeof PERCENTILES)[number], number>> | undefined => {
  if (value === undefined || value === null) return undefined;
  const cutoffs = isObject(value) ? value : { p50: value };
  refuseUnknownKeys(field, cutoffs, WORD.percentile);
  const given = PERCENTILES.filter((name) => cutoffs[name] !== undefined && cutoffs[name] !== null);
  for (const name of given) checkOptional(`${field}.${name}`, cutoffs[name], aNumber);
  return Object.fromEntries(given.map((name) => [name, cutoffs[name]])) as Partial<
    Record<(typeof PERCENTILES)[number], number>
  >; // numbers by the check above
};

/** @param route the deprecated alias of `provider.sort.partition` @throws WaystationError `invalid_request`, `unknown_parameter` */
export const readProviderPreferences = (provider: unknown, route?: unknown): ProviderPreferences => {
  checkOptional('route', route, oneOf(['fallback', 'sort']));
  if (provider === undefined || provider === null) return route === 'sort' ? { sort: { partition: 'none' } } : {};
  if (!isObject(provider)) return refuse('provider', `Expected object, received ${typeOf(provider)}`);
  refuseUnknownKeys('provider', provider, KNOWN);
  for (const [key, check] of CHECKS) checkOptional(`provider.${key}`, provider[key], check);

  const read: Record<string, unknown> = {};
  const put = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) read[name] = value;
  };
  for (const list of ['order', 'only', 'ignore'] as const)
    put(list, (provider[list] as string[] | null | undefined)?.map(slugOfName));
  put('allowFallbacks', provider['allow_fallbacks']);
  put('requireParameters', provider['require_parameters']);
  put('dataCollection', provider['data_collection']);
  put('zdr', provider['zdr']);
  put('enforceDistillableText', provider['enforce_distillable_text']);
  put('quantizations', provider['quantizations']);
  const sort = readSort(provider['sort']);
  put('sort', sort?.partition === undefined && route === 'sort' ? { ...sort, partition: 'none' } : sort);
  put('maxPrice', readMaxPrice(provider['max_price']));
  put(
    'preferredMinThroughput',
    readPercentiles('provider.preferred_min_throughput', provider['preferred_min_throughput']),
  );
  put('preferredMaxLatency', readPercentiles('provider.preferred_max_latency', provider['preferred_max_latency']));
  return read as ProviderPreferences; // every member was checked above
};
