// The catalog as the reference API shows it. Prices are text, USD per token, exact.
import { unitPrice } from '@waystation/catalog';
import {
  formatUsd,
  type EndpointEntry,
  type ModelEntry,
  type PriceRates,
  type PriceVector,
} from '@waystation/contracts';
import { buildRoutingIndex, type Route } from '@waystation/routing';
import type { CatalogSnapshot } from '@waystation/runtime';
import type { statisticsInfo } from './endpoint-statistics.js';

/** How an endpoint does. */
export type LiveInfo = (endpointId: string) => ReturnType<typeof statisticsInfo>;

/** Our usage classes by the reference's price names. */
const PRICE_NAMES: readonly (readonly [name: string, unit: string])[] = [
  ['prompt', 'input'],
  ['completion', 'output'],
  ['input_cache_read', 'cacheRead'],
  ['input_cache_write', 'cacheWrite'],
  ['input_cache_write_1h', 'cacheWrite1h'],
  ['internal_reasoning', 'reasoning'],
  ['audio', 'audioInput'],
  ['audio_output', 'audioOutput'],
  ['image_token', 'imageInput'],
  ['image_output', 'imageOutput'],
  // Ours: the reference has no names for what is not paid by the token.
  ['output_image', 'outputImages'],
  ['search_unit', 'searchUnits'],
  ['character', 'characters'],
  ['second', 'seconds'],
];
const IMAGE = ['image', 'inputImages'] as const;
const ALWAYS: ReadonlySet<string> = new Set(['prompt', 'completion']);

type Prices = { readonly prompt?: string; readonly completion?: string } & Readonly<Record<string, string>>;

const pricesOf = (perUnit: PriceVector['perUnit']): Prices =>
  Object.fromEntries(
    PRICE_NAMES.filter(([name, unit]) => perUnit[unit] !== undefined || ALWAYS.has(name)).map(([name, unit]) => [
      name,
      formatUsd(BigInt(perUnit[unit] ?? 0)),
    ]),
  );

/** What a tier does not name falls back inside of the tier; a reader of overrides would take it for inherited, so it is spelled out. */
const overrideOf = (perUnit: PriceVector['perUnit'], base: PriceVector['perUnit']): Prices =>
  Object.fromEntries(
    [...PRICE_NAMES, IMAGE]
      .filter(([name, unit]) => [perUnit, base].some((each) => each[unit] !== undefined) || ALWAYS.has(name))
      .map(([name, unit]) => [name, formatUsd(unitPrice(perUnit, unit))]),
  );

const ratesInfo = (price: PriceRates) => ({
  ...pricesOf(price.perUnit),
  request: formatUsd(BigInt(price.perRequest ?? 0)),
  image: formatUsd(unitPrice(price.perUnit, 'inputImages')),
  ...(price.tiers === undefined || price.tiers.length === 0
    ? {}
    : {
        overrides: [...price.tiers]
          .sort((a, b) => a.aboveInputTokens - b.aboveInputTokens)
          .map((tier) => ({ min_prompt_tokens: tier.aboveInputTokens, ...overrideOf(tier.perUnit, price.perUnit) })),
      }),
});

/** Prices of service tiers are an addition to the reference: there they are endpoints of their own. */
export const pricing = ({ serviceTiers, ...price }: PriceVector) => ({
  ...ratesInfo(price),
  ...(serviceTiers === undefined
    ? {}
    : {
        service_tiers: Object.fromEntries(
          Object.entries(serviceTiers).map(([name, rates]) => [name, ratesInfo(rates)] as const),
        ),
      }),
});

/** The reference's words for what jobs make; a conversation makes what its endpoint says. */
const OUTPUT_OF_JOB: Readonly<Record<string, string>> = {
  embeddings: 'embeddings',
  rerank: 'rerank',
  images: 'image',
  speech: 'speech',
  transcriptions: 'transcription',
};

const outputsOf = (model: ModelEntry, endpoints: readonly EndpointEntry[]): string[] => {
  const outputs = endpoints.flatMap(({ apis, outputModalities }) =>
    apis.flatMap((api) => OUTPUT_OF_JOB[api] ?? outputModalities),
  );
  return outputs.length === 0 ? model.outputModalities : [...new Set(outputs)];
};

const architecture = (model: ModelEntry, endpoints: readonly EndpointEntry[]) => {
  const outputs = outputsOf(model, endpoints);
  return {
    modality: `${model.inputModalities.join('+')}->${outputs.join('+')}`,
    input_modalities: model.inputModalities,
    output_modalities: outputs,
    tokenizer: model.tokenizer ?? 'Other',
    instruct_type: null,
  };
};

/** Per snapshot, since a snapshot never changes: thousands of models are listed in one pass over their endpoints. */
const grouped = new WeakMap<CatalogSnapshot, ReadonlyMap<string, EndpointEntry[]>>();

/** Of a model, but for those that are switched off. */
export const endpointsOf = (catalog: CatalogSnapshot, model: string): readonly EndpointEntry[] => {
  const known =
    grouped.get(catalog) ??
    Map.groupBy(
      [...catalog.endpoints.values()].filter(({ enabled }) => enabled),
      (endpoint) => endpoint.model,
    );
  grouped.set(catalog, known);
  return known.get(model) ?? [];
};

const costOf = ({ price }: EndpointEntry): bigint =>
  BigInt(price.perUnit['input'] ?? 0) + BigInt(price.perUnit['output'] ?? 0);

const cheapest = (endpoints: readonly EndpointEntry[]): EndpointEntry | undefined =>
  endpoints.reduce<EndpointEntry | undefined>(
    (best, each) => (best === undefined || costOf(each) < costOf(best) ? each : best),
    undefined,
  );

const modelInfo = (model: ModelEntry, endpoints: readonly EndpointEntry[]) => {
  const top = cheapest(endpoints);
  return {
    id: model.id,
    canonical_slug: model.id,
    hugging_face_id: null,
    name: model.name,
    created: model.created,
    description: model.description ?? '',
    context_length: model.context,
    architecture: architecture(model, endpoints),
    pricing: pricing(top?.price ?? { perUnit: {} }),
    top_provider: {
      context_length: top?.context ?? model.context,
      max_completion_tokens: top?.maxOutput ?? null,
      is_moderated: false,
    },
    per_request_limits: null,
    supported_parameters: [...new Set(endpoints.flatMap((endpoint) => endpoint.supportedParameters))].sort(),
    default_parameters: null,
    supported_voices: null,
    knowledge_cutoff: null,
    expiration_date: null,
    links: { details: `/api/v1/models/${model.id}/endpoints` },
  };
};

const endpointInfo = (endpoint: EndpointEntry, model: ModelEntry, catalog: CatalogSnapshot, live: LiveInfo) => {
  const providerName = catalog.providers.get(endpoint.provider)?.name ?? endpoint.provider;
  const supportsTools = endpoint.supportedParameters.includes('tools');
  return {
    name: `${providerName}: ${model.name}`,
    model_id: model.id,
    model_name: model.name,
    provider_name: providerName,
    tag: endpoint.tag,
    context_length: endpoint.context,
    max_prompt_tokens: null,
    max_completion_tokens: endpoint.maxOutput ?? null,
    quantization: endpoint.quantization ?? null,
    pricing: pricing(endpoint.price),
    supported_parameters: endpoint.supportedParameters,
    supports_implicit_caching: endpoint.price.perUnit['cacheRead'] !== undefined,
    supports_voice_cloning: false,
    supports_tool_choice: {
      auto: supportsTools,
      function: supportsTools,
      none: supportsTools,
      required: supportsTools,
    },
    ...live(endpoint.id),
  };
};

export type ModelInfo = ReturnType<typeof modelInfo>;

/** A model as it is shown, with what else it is chosen by. */
export interface ListedModel {
  readonly info: ModelInfo;
  /** Its endpoints as routing sees them, but for those that are switched off. */
  readonly routes: readonly Route[];
}

/** Every model that has an endpoint, newest first. */
export const listModels = (catalog: CatalogSnapshot): ListedModel[] => {
  const { byModel } = buildRoutingIndex(catalog);
  return [...catalog.models.values()]
    .map((model) => ({ model, endpoints: endpointsOf(catalog, model.id) }))
    .filter(({ endpoints }) => endpoints.length > 0)
    .sort((a, b) => b.model.created - a.model.created || (a.model.id < b.model.id ? -1 : 1))
    .map(({ model, endpoints }) => ({
      info: modelInfo(model, endpoints),
      routes: (byModel.get(model.id) ?? []).filter(({ unusable }) => unusable !== 'disabled'),
    }));
};

/** Suffixes that only change how endpoints are chosen; they name no model of their own. */
const ROUTING_SUFFIX = /:(?:nitro|floor|exacto|online)(?=:|$)/g;

const findModel = (catalog: CatalogSnapshot, id: string): ModelEntry | undefined =>
  catalog.models.get(id) ?? catalog.models.get(id.replace(ROUTING_SUFFIX, ''));

export const describeModel = (catalog: CatalogSnapshot, id: string): ModelInfo | undefined => {
  const model = findModel(catalog, id);
  return model === undefined ? undefined : modelInfo(model, endpointsOf(catalog, model.id));
};

export const describeEndpoints = (catalog: CatalogSnapshot, id: string, live: LiveInfo) => {
  const model = findModel(catalog, id);
  if (model === undefined) return undefined;
  const endpoints = endpointsOf(catalog, model.id);
  return {
    id: model.id,
    name: model.name,
    created: model.created,
    description: model.description ?? '',
    architecture: architecture(model, endpoints),
    endpoints: endpoints.map((endpoint) => endpointInfo(endpoint, model, catalog, live)),
  };
};

/** Endpoints that keep nothing of what they are sent, by the same reading as routing's. */
export const listZdrEndpoints = (catalog: CatalogSnapshot, live: LiveInfo) =>
  [...catalog.endpoints.values()].flatMap((endpoint) => {
    const model = catalog.models.get(endpoint.model);
    const policy = endpoint.dataPolicy ?? catalog.providers.get(endpoint.provider)?.dataPolicy;
    return !endpoint.enabled || model === undefined || policy?.retains !== false
      ? []
      : [endpointInfo(endpoint, model, catalog, live)];
  });

/** Providers that offer something. Of what the reference knows besides, only the page on data is known here. */
export const listProviders = (catalog: CatalogSnapshot) => {
  const offering = new Set(
    [...catalog.endpoints.values()].filter(({ enabled }) => enabled).map(({ provider }) => provider),
  );
  return [...catalog.providers.values()]
    .filter(({ slug }) => offering.has(slug))
    .sort((a, b) => (a.slug < b.slug ? -1 : 1))
    .map(({ slug, name, dataPolicy }) => ({
      ...{ name, slug, privacy_policy_url: dataPolicy.source ?? null },
      ...{ terms_of_service_url: null, status_page_url: null, headquarters: null, datacenters: null },
    }));
};
