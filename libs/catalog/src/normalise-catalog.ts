// Sources → catalog entries without versions: priced exactly, defaulted, checked against each other. All faults at once; none means that the result is whole.
import {
  QUALITY_MEASURES,
  type EndpointEntry,
  type ModelEntry,
  type ModelQuality,
  type PriceVector,
  type ProviderEntry,
} from '@waystation/contracts';
import { billsAfterCancelByDefault } from './bills-after-cancel.js';
import { KNOWN_PARAMETERS } from './parameters.js';
import { priceVersionOf } from './price-usage.js';
import { priceInForce, pricesOf } from './price-endpoint.js';
import type { EndpointSource, Locate, ProviderSource } from './provider-source.js';

type Unversioned<Entry> = Omit<Entry, 'v' | 'version'>;

/** A price of an endpoint that is known: the one in force, or one that will be. */
export interface EndpointPrice {
  readonly endpointId: string;
  readonly version: string;
  readonly price: PriceVector;
  /** Unix ms from which it holds, where somebody said so. */
  readonly effectiveAtMs: number | undefined;
  readonly inForce: boolean;
}

export interface NormalisedCatalog {
  readonly providers: readonly Unversioned<ProviderEntry>[];
  readonly models: readonly Unversioned<ModelEntry>[];
  /** Each with the price that is in force now. */
  readonly endpoints: readonly Unversioned<EndpointEntry>[];
  /** For each endpoint the price in force and those to come. */
  readonly prices: readonly EndpointPrice[];
  /** Prices that had more digits than whole picodollars, with where and what they became. */
  readonly roundings: readonly string[];
  readonly faults: readonly string[];
}

/** Sources with where their faults are to be told. */
export interface LocatedSource {
  readonly source: ProviderSource;
  readonly locate: Locate;
}

export const credentialIdOf = (provider: string): string => `operator-${provider}`;

const tagOf = (provider: string, tagSuffix: string | undefined): string =>
  tagSuffix === undefined ? provider : `${provider}/${tagSuffix}`;

/** `<model>@<tag>`. */
export const endpointIdOf = (
  provider: string,
  { model, tagSuffix }: Pick<EndpointSource, 'model' | 'tagSuffix'>,
): string => `${model}@${tagOf(provider, tagSuffix)}`;

/** @param nowMs Unix ms; decides which of an endpoint's prices is in force */
export const normaliseCatalog = (
  sources: readonly LocatedSource[],
  sha256hex: (text: string) => string,
  nowMs: number,
): NormalisedCatalog => {
  const faults: string[] = [];
  const prices: EndpointPrice[] = [];
  const roundings: string[] = [];
  const providers = new Map<string, Unversioned<ProviderEntry>>();
  const endpoints = new Map<string, Unversioned<EndpointEntry>>();
  const models = new Map<string, Unversioned<ModelEntry>>();

  for (const { source, locate } of sources) {
    if (providers.has(source.slug)) {
      faults.push(`${locate(['slug'])}: provider "${source.slug}" is there twice`);
      continue;
    }
    providers.set(source.slug, providerOf(source));
    source.endpoints.forEach((endpoint, index) => {
      const at: Locate = (path) => locate(['endpoints', index, ...path]);
      const tag = tagOf(source.slug, endpoint.tagSuffix);
      const id = endpointIdOf(source.slug, endpoint);
      if (endpoints.has(id)) {
        faults.push(`${at(['model'])}: provider "${tag}" offers model "${endpoint.model}" twice`);
        return;
      }
      const dated = pricesOf(endpoint, { locate: at, faults, roundings });
      const inForce = dated === undefined ? undefined : priceInForce(dated, nowMs);
      if (dated === undefined || inForce === undefined) return;
      for (const { price, effectiveAtMs } of dated.slice(dated.indexOf(inForce)))
        prices.push({
          ...{ endpointId: id, version: priceVersionOf(price, sha256hex), price, effectiveAtMs },
          inForce: effectiveAtMs === inForce.effectiveAtMs,
        });
      const { price } = inForce;
      const entry = endpointOf(id, tag, source, endpoint, price, priceVersionOf(price, sha256hex));
      endpoints.set(id, entry);
      models.set(endpoint.model, modelOf(models.get(endpoint.model), endpoint, entry));
    });
  }
  return {
    providers: [...providers.values()],
    models: [...models.values()],
    endpoints: [...endpoints.values()],
    prices,
    roundings,
    faults,
  };
};

const providerOf = (source: ProviderSource): Unversioned<ProviderEntry> => ({
  slug: source.slug,
  name: source.name ?? source.slug,
  dialect: source.dialect,
  baseUrl: source.baseUrl.replace(/\/+$/, ''),
  allowPrivateAddress: source.allowPrivateAddress,
  credentialId: credentialIdOf(source.slug),
  ...(source.headers === undefined ? {} : { headers: { ...source.headers } }),
  dataPolicy: source.dataPolicy === undefined ? { retains: true, trains: true } : { ...source.dataPolicy },
  ...(source.quirks === undefined ? {} : { quirks: { ...source.quirks } }),
  billsAfterCancel: source.billsAfterCancel ?? billsAfterCancelByDefault(source.slug),
  ...(source.maxConnections === undefined ? {} : { maxConnections: source.maxConnections }),
  ...(source.capacity === undefined ? {} : { capacity: { ...source.capacity } }),
  ...(source.timeouts === undefined ? {} : { timeouts: { ...source.timeouts } }),
});

const endpointOf = (
  id: string,
  tag: string,
  provider: ProviderSource,
  source: EndpointSource,
  price: PriceVector,
  priceVersion: string,
): Unversioned<EndpointEntry> => ({
  id,
  model: source.model,
  provider: provider.slug,
  tag,
  upstreamModel: source.upstreamModel,
  apis: [...(source.apis ?? ['chat'])],
  context: source.context,
  ...(source.maxOutput === undefined ? {} : { maxOutput: source.maxOutput }),
  inputModalities: [...(source.inputModalities ?? ['text'])],
  outputModalities: [...(source.outputModalities ?? ['text'])],
  supportedParameters: [...(source.supportedParameters ?? KNOWN_PARAMETERS)],
  ...(source.quantization === undefined ? {} : { quantization: source.quantization }),
  priceVersion,
  price,
  enabled: source.enabled ?? true,
  ...(source.disabledBecause === undefined ? {} : { disabledBecause: source.disabledBecause }),
  ...(source.dataPolicy === undefined ? {} : { dataPolicy: { ...source.dataPolicy } }),
  ...(source.billsAfterCancel === undefined ? {} : { billsAfterCancel: source.billsAfterCancel }),
  ...(source.showsOutput === undefined ? {} : { showsOutput: source.showsOutput }),
  ...(source.quirks === undefined ? {} : { quirks: { ...source.quirks } }),
});

/** A model is what its endpoints say of it together: the largest context, every modality; the first that names or dates it wins. */
const modelOf = (
  known: Unversioned<ModelEntry> | undefined,
  source: EndpointSource,
  endpoint: Unversioned<EndpointEntry>,
): Unversioned<ModelEntry> => {
  const union = (one: readonly string[], other: readonly string[]): string[] => [...new Set([...one, ...other])];
  const description = known?.description ?? source.description;
  const tokenizer = known?.tokenizer ?? source.tokenizer;
  const distillable = bothAllow(known?.distillable, source.distillable);
  const quality = lowerOf(known?.quality, source.quality);
  return {
    id: endpoint.model,
    name: known !== undefined && known.name !== known.id ? known.name : (source.modelName ?? endpoint.model),
    ...(description === undefined ? {} : { description }),
    created: known === undefined || known.created === 0 ? (source.created ?? 0) : known.created,
    context: Math.max(known?.context ?? 0, endpoint.context),
    inputModalities: union(known?.inputModalities ?? [], endpoint.inputModalities),
    outputModalities: union(known?.outputModalities ?? [], endpoint.outputModalities),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(distillable === undefined ? {} : { distillable }),
    ...(quality === undefined ? {} : { quality }),
  };
};

/** What only one says counts; where they differ, the stricter. */
const bothAllow = (one: boolean | undefined, other: boolean | undefined): boolean | undefined =>
  one === undefined ? other : other === undefined ? one : one && other;

/** Each figure that somebody gave; where two differ, the lower. */
const lowerOf = (one: ModelQuality | undefined, other: ModelQuality | undefined): ModelQuality | undefined => {
  const figures = QUALITY_MEASURES.flatMap((measure) => {
    const given = [one?.[measure], other?.[measure]].filter((figure) => figure !== undefined);
    return given.length === 0 ? [] : [[measure, Math.min(...given)] as const];
  });
  return figures.length === 0 ? undefined : Object.fromEntries(figures);
};
