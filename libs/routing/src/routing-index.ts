// The catalog as planning wants it: per model, each endpoint with everything that is the same for every request worked out once, when a snapshot is swapped.
import { latestAliases, withSynonyms, type EndpointTier } from '@waystation/catalog';
import type {
  EndpointEntry,
  ExclusionRule,
  ModelEntry,
  PlannedAttempt,
  PriceVector,
  ProviderEntry,
} from '@waystation/contracts';
import type { PolicyCandidate } from '@waystation/policy';
import { hashText, type TextHash } from './rendezvous.js';

/** The parts of a catalog snapshot that routing reads. */
export interface RoutableCatalog {
  readonly revision: number;
  readonly providers: ReadonlyMap<string, ProviderEntry>;
  readonly models: ReadonlyMap<string, ModelEntry>;
  readonly endpoints: ReadonlyMap<string, EndpointEntry>;
}

/** One endpoint, ready to be judged. */
export interface Route extends PolicyCandidate {
  readonly id: string;
  /** What the plan answers when it is chosen. */
  readonly attempt: PlannedAttempt;
  /** Why it can serve nobody, whatever is asked. */
  readonly unusable: ExclusionRule | undefined;
  /** Why it is disabled, in words, where the catalog says so. */
  readonly disabledBecause: string | undefined;
  readonly apis: readonly string[];
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  readonly supported: ReadonlySet<string>;
  readonly quantization: string;
  /** Its routing tag in lower case. */
  readonly tag: string;
  /** The service tier that it is there for; undefined: the standard one, perhaps with others besides. */
  readonly tier: EndpointTier | undefined;
  /** Tiers at which it can serve. */
  readonly tiers: ReadonlySet<string>;
  /** Whether the model's author lets other models be trained on what it writes. What nobody knows is no. */
  readonly distillable: boolean;
  readonly hash: TextHash;
  /** 1/price² relative to the cheapest priced endpoint of the model; a free endpoint weighs as that one. */
  readonly weight: number;
  /** Picodollars of three prompt tokens and one completion token: the mix by which endpoints are compared. */
  readonly blendedPrice: bigint;
}

export interface RoutingIndex {
  readonly revision: number;
  /** By model id; the order within a model is by endpoint id, so that it does not depend on the order of arrival. */
  readonly byModel: ReadonlyMap<string, readonly Route[]>;
  /** Models by `~author/family-latest`: the newest that anybody could be served by. */
  readonly latest: ReadonlyMap<string, string>;
  has(endpointId: string): boolean;
}

/** Constant for an endpoint, unlike the cost of a request: so the first choice of a conversation stays the same as it grows. */
const blend = (price: PriceVector): bigint =>
  3n * BigInt(price.perUnit['input'] ?? 0) + BigInt(price.perUnit['output'] ?? 0);

export const buildRoutingIndex = (catalog: RoutableCatalog): RoutingIndex => {
  const grouped = new Map<string, EndpointEntry[]>();
  for (const endpoint of catalog.endpoints.values()) {
    const group = grouped.get(endpoint.model);
    if (group === undefined) grouped.set(endpoint.model, [endpoint]);
    else group.push(endpoint);
  }
  const byModel = new Map<string, readonly Route[]>();
  for (const [model, group] of grouped) {
    const prices = group.map(({ price }) => blend(price)).filter((price) => price > 0n);
    const cheapest = prices.reduce((low, price) => (price < low ? price : low), prices[0] ?? 1n);
    const routes = group
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .flatMap((endpoint) => {
        const provider = catalog.providers.get(endpoint.provider);
        return provider === undefined ? [] : [routeOf(endpoint, provider, catalog.models.get(model), cheapest)];
      });
    byModel.set(model, routes);
  }
  const served = [...byModel].filter(([, routes]) => routes.some(({ unusable }) => unusable === undefined));
  const latest = latestAliases(served.map(([id]) => ({ id, created: catalog.models.get(id)?.created ?? 0 })));
  return { revision: catalog.revision, byModel, latest, has: (endpointId) => catalog.endpoints.has(endpointId) };
};

/** What a list may call it: slug, tag, display name, and the display name as a slug (`Google Vertex`, `google-vertex`). */
const namesOf = (endpoint: EndpointEntry, provider: ProviderEntry): string[] => {
  const name = provider.name.toLowerCase();
  return [
    ...new Set([endpoint.provider.toLowerCase(), endpoint.tag.toLowerCase(), name, name.replace(/[\s_]+/g, '-')]),
  ];
};

/** An endpoint of its own for a service tier says so in its tag: `openai/priority`. */
const tierOf = ({ tag }: EndpointEntry): EndpointTier | undefined =>
  tag.endsWith('/flex') ? 'flex' : tag.endsWith('/priority') ? 'priority' : undefined;

const REASONING = ['reasoning', 'include_reasoning', 'reasoning_effort'];

/** Reasoning is billed and often hidden, so where nothing is said an endpoint that can reason does not show all it makes. */
const showsOutput = (endpoint: EndpointEntry): boolean =>
  endpoint.showsOutput ?? !REASONING.some((name) => endpoint.supportedParameters.includes(name));

const routeOf = (
  endpoint: EndpointEntry,
  provider: ProviderEntry,
  model: ModelEntry | undefined,
  cheapest: bigint,
): Route => {
  const tier = tierOf(endpoint);
  const data = endpoint.dataPolicy ?? provider.dataPolicy;
  const blendedPrice = blend(endpoint.price);
  const ratio = blendedPrice === 0n ? 1 : Number(cheapest) / Number(blendedPrice);
  return {
    id: endpoint.id,
    model: endpoint.model,
    providerNames: namesOf(endpoint, provider),
    retains: data.retains,
    trains: data.trains,
    region: data.region?.toLowerCase(),
    unusable: !endpoint.enabled ? 'disabled' : undefined,
    disabledBecause: endpoint.disabledBecause,
    apis: endpoint.apis,
    inputModalities: endpoint.inputModalities,
    outputModalities: endpoint.outputModalities,
    supported: withSynonyms(endpoint.supportedParameters),
    quantization: endpoint.quantization ?? 'unknown',
    tag: endpoint.tag.toLowerCase(),
    tier,
    tiers: new Set([...(tier === undefined ? [] : [tier]), ...Object.keys(endpoint.price.serviceTiers ?? {})]),
    distillable: model?.distillable === true,
    hash: hashText(endpoint.id),
    weight: ratio * ratio,
    blendedPrice,
    attempt: Object.freeze({
      endpointId: endpoint.id,
      model: endpoint.model,
      provider: endpoint.provider,
      providerName: provider.name,
      dialect: provider.dialect,
      upstreamModel: endpoint.upstreamModel,
      priceVersion: endpoint.priceVersion,
      price: endpoint.price,
      context: endpoint.context,
      ...(endpoint.maxOutput === undefined ? {} : { maxOutput: endpoint.maxOutput }),
      billsAfterCancel: endpoint.billsAfterCancel ?? provider.billsAfterCancel,
      ...(showsOutput(endpoint) ? { showsOutput: true } : {}),
      ...(provider.credentialId === undefined ? {} : { credentialId: provider.credentialId }),
      byok: false,
      ...(provider.capacity === undefined ? {} : { capacity: provider.capacity }),
      ...(endpoint.quirks === undefined ? {} : { quirks: endpoint.quirks }),
    }),
  };
};
