// The catalog as planning wants it: per model, each endpoint with everything that is the same for every request worked out once, when a snapshot is swapped.
import { latestAliases, withSynonyms, type EndpointTier } from '@waystation/catalog';
import type {
  CapacityLimits,
  EndpointEntry,
  ExclusionRule,
  ModelEntry,
  PlannedAttempt,
  PriceVector,
  ProviderEntry,
  RoutePlanReply,
} from '@waystation/contracts';
import type { PolicyCandidate, PriceKind } from '@waystation/policy';
import { hashText, type TextHash } from './rendezvous.js';

export type Excluded = RoutePlanReply['excluded'][number];

/** The parts of a catalog snapshot that routing reads. */
export interface RoutableCatalog {
  readonly revision: number;
  readonly providers: ReadonlyMap<string, ProviderEntry>;
  readonly models: ReadonlyMap<string, ModelEntry>;
  readonly endpoints: ReadonlyMap<string, EndpointEntry>;
}

/** One endpoint, ready to be judged. What is read of every endpoint for every plan stands in front, and is not looked for in the attempt: with thousands of endpoints planning waits for memory. Its hash is that of its id. */
export interface Route extends PolicyCandidate, TextHash {
  readonly id: string;
  /** Among all of the index. */
  readonly place: number;
  readonly provider: string;
  /** The station's own; undefined: it has none there. */
  readonly credentialId: string | undefined;
  /** Of that credential. */
  readonly capacity: CapacityLimits | undefined;
  /** Why it can serve nobody, whatever is asked. */
  readonly unusable: ExclusionRule | undefined;
  readonly apis: readonly string[];
  /** The service tier that it is there for; undefined: the standard one, perhaps with others besides. */
  readonly tier: EndpointTier | undefined;
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  readonly context: number;
  /** 1/price² relative to the cheapest priced endpoint of the model; a free endpoint weighs as that one. */
  readonly weight: number;
  /** Of its blended price among all of the index; the same for the same price. */
  readonly priceRank: number;
  /** What a ceiling is compared with. Undefined: it depends on the length of the prompt or on the service tier. */
  readonly flatPrices: UnitPrices | undefined;
  readonly supported: ReadonlySet<string>;
  /** Picodollars of three prompt tokens and one completion token: the mix by which endpoints are compared. */
  readonly blendedPrice: bigint;
  readonly quantization: string;
  /** Its routing tag in lower case. */
  readonly tag: string;
  /** Tiers at which it can serve. */
  readonly tiers: ReadonlySet<string>;
  /** Whether the model's author lets other models be trained on what it writes. What nobody knows is no. */
  readonly distillable: boolean;
  /** Why it is disabled, in words, where the catalog says so. */
  readonly disabledBecause: string | undefined;
  /** What the plan answers when it is chosen. */
  readonly attempt: PlannedAttempt;
  /** What it answers where enough others come before: made once, since of thousands nearly all end so. */
  readonly beyond: Readonly<Excluded>;
}

export interface RoutingIndex {
  readonly revision: number;
  /** By model id; the order within a model is by endpoint id, so that it does not depend on the order of arrival. */
  readonly byModel: ReadonlyMap<string, readonly Route[]>;
  /** Models by `~author/family-latest`: the newest that anybody could be served by. */
  readonly latest: ReadonlyMap<string, string>;
  has(endpointId: string): boolean;
}

/** Picodollars per unit of each kind that may have a ceiling. */
export type UnitPrices = Readonly<Record<PriceKind, bigint>>;

export const pricesOf = ({ perRequest }: PriceVector, perUnit: PriceVector['perUnit']): UnitPrices => ({
  prompt: BigInt(perUnit['input'] ?? 0),
  completion: BigInt(perUnit['output'] ?? 0),
  request: BigInt(perRequest ?? 0),
  image: BigInt(perUnit['inputImages'] ?? perUnit['imageInput'] ?? 0),
  audio: BigInt(perUnit['audioInput'] ?? 0),
});

const flatPricesOf = (price: PriceVector): UnitPrices | undefined =>
  price.tiers === undefined && price.serviceTiers === undefined ? pricesOf(price, price.perUnit) : undefined;

/** Constant for an endpoint, unlike the cost of a request: so the first choice of a conversation stays the same as it grows. */
const blend = (price: PriceVector): bigint =>
  3n * BigInt(price.perUnit['input'] ?? 0) + BigInt(price.perUnit['output'] ?? 0);

const ranksOf = (prices: readonly bigint[]): ReadonlyMap<bigint, number> =>
  new Map([...new Set(prices)].sort((a, b) => (a < b ? -1 : 1)).map((price, rank) => [price, rank]));

export const buildRoutingIndex = (catalog: RoutableCatalog): RoutingIndex => {
  const grouped = new Map<string, EndpointEntry[]>();
  for (const endpoint of catalog.endpoints.values()) {
    // Whose provider is not there serves nobody, and counts for nothing.
    if (!catalog.providers.has(endpoint.provider)) continue;
    const group = grouped.get(endpoint.model);
    if (group === undefined) grouped.set(endpoint.model, [endpoint]);
    else group.push(endpoint);
  }
  const byModel = new Map<string, readonly Route[]>();
  const priceRanks = ranksOf([...catalog.endpoints.values()].map(({ price }) => blend(price)));
  const same = createSame();
  let placed = 0;
  for (const [model, group] of grouped) {
    const prices = group.map(({ price }) => blend(price)).filter((price) => price > 0n);
    const cheapest = prices.reduce((low, price) => (price < low ? price : low), prices[0] ?? 1n);
    const routes = group
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .flatMap((endpoint) => {
        const provider = catalog.providers.get(endpoint.provider);
        if (provider === undefined) return [];
        const route = routeOf(endpoint, provider, catalog.models.get(model), cheapest, priceRanks, placed, same);
        placed += 1;
        return [route];
      });
    byModel.set(model, routes);
  }
  const served = [...byModel].filter(([, routes]) => routes.some(({ unusable }) => unusable === undefined));
  const latest = latestAliases(served.map(([id]) => ({ id, created: catalog.models.get(id)?.created ?? 0 })));
  return { revision: catalog.revision, byModel, latest, has: (endpointId) => catalog.endpoints.has(endpointId) };
};

/** Lists of the same words as one list in memory: most endpoints are alike in what they can do. */
interface Same {
  list(words: readonly string[]): readonly string[];
  /** With synonyms. */
  supported(words: readonly string[]): ReadonlySet<string>;
  set(words: readonly string[]): ReadonlySet<string>;
}

const createSame = (): Same => {
  const once = <Made>(make: (words: readonly string[]) => Made): ((words: readonly string[]) => Made) => {
    const known = new Map<string, Made>();
    return (words) => {
      const key = JSON.stringify(words);
      const made = known.get(key) ?? make(words);
      known.set(key, made);
      return made;
    };
  };
  return { list: once((words) => words), supported: once(withSynonyms), set: once((words) => new Set(words)) };
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
  priceRanks: ReadonlyMap<bigint, number>,
  place: number,
  same: Same,
): Route => {
  const tier = tierOf(endpoint);
  const data = endpoint.dataPolicy ?? provider.dataPolicy;
  const { high, low } = hashText(endpoint.id);
  const blendedPrice = blend(endpoint.price);
  const ratio = blendedPrice === 0n ? 1 : Number(cheapest) / Number(blendedPrice);
  return {
    id: endpoint.id,
    place,
    model: endpoint.model,
    provider: endpoint.provider,
    credentialId: provider.credentialId,
    capacity: provider.capacity,
    unusable: !endpoint.enabled ? 'disabled' : undefined,
    apis: same.list(endpoint.apis),
    tier,
    providerNames: same.list(namesOf(endpoint, provider)),
    retains: data.retains,
    trains: data.trains,
    region: data.region?.toLowerCase(),
    inputModalities: same.list(endpoint.inputModalities),
    outputModalities: same.list(endpoint.outputModalities),
    context: endpoint.context,
    high,
    low,
    weight: ratio * ratio,
    priceRank: priceRanks.get(blendedPrice) ?? 0,
    flatPrices: flatPricesOf(endpoint.price),
    supported: same.supported(endpoint.supportedParameters),
    blendedPrice,
    quantization: endpoint.quantization ?? 'unknown',
    tag: endpoint.tag.toLowerCase(),
    tiers: same.set([...(tier === undefined ? [] : [tier]), ...Object.keys(endpoint.price.serviceTiers ?? {})]),
    distillable: model?.distillable === true,
    disabledBecause: endpoint.disabledBecause,
    beyond: {
      endpointId: endpoint.id,
      model: endpoint.model,
      provider: endpoint.provider,
      rule: 'beyond_max_attempts',
    },
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
