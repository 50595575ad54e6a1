// A provider of the catalog with what the operator wants otherwise: another address or key, prices of one's own, fewer models or more. Pure; faults are told
// by their place in what the operator wrote.
import type { EndpointSource, ProviderSource } from './provider-source.js';

/** An endpoint to change or to add. A price that is given is the whole price: tiers and service tiers of the catalog do not stay beside it. */
export type EndpointChange = Partial<Omit<EndpointSource, 'model'>> & { readonly model: string };

export type ProviderExtension = Partial<Omit<ProviderSource, 'slug' | 'dialect' | 'endpoints'>> & {
  readonly slug: string;
  /** Only these models of the catalog. */
  readonly models?: readonly string[];
  readonly endpoints?: readonly EndpointChange[];
};

export interface ExtensionFault {
  readonly path: readonly (string | number)[];
  readonly problem: string;
}

export type Extended = { readonly source: ProviderSource } | { readonly faults: readonly ExtensionFault[] };

const placeOf = ({ model, tagSuffix }: EndpointChange): string => `${model}@${tagSuffix ?? ''}`;

const changed = (known: EndpointSource, wanted: EndpointChange): EndpointSource => {
  const { price, tiers, serviceTiers, priceChanges, ...facts } = known;
  const prices =
    wanted.price === undefined
      ? {
          price,
          ...(tiers === undefined ? {} : { tiers }),
          ...(serviceTiers === undefined ? {} : { serviceTiers }),
          ...(priceChanges === undefined ? {} : { priceChanges }),
        }
      : { price: wanted.price };
  return { ...facts, ...prices, ...wanted };
};

const added = (wanted: EndpointChange): EndpointSource | string => {
  const { context, price } = wanted;
  if (context === undefined || price === undefined)
    return `"${wanted.model}" is not offered by it in the catalog, so it needs context and price of its own`;
  return { ...wanted, context, price, upstreamModel: wanted.upstreamModel ?? wanted.model };
};

/** @param base the provider as the catalog has it */
export const extendProvider = (base: ProviderSource, extension: ProviderExtension): Extended => {
  const { models, endpoints: changes = [], ...members } = extension;
  const faults: ExtensionFault[] = [];
  const known = new Set(base.endpoints.map(({ model }) => model));
  models?.forEach((model, index) => {
    if (!known.has(model))
      faults.push({
        path: ['models', index],
        problem: `"${model}" is not offered by ${base.slug} in the catalog`,
      });
  });
  const offered = new Map(
    base.endpoints
      .filter(({ model }) => models === undefined || models.includes(model))
      .map((endpoint) => [placeOf(endpoint), endpoint] as const),
  );
  const inCatalog = new Map(base.endpoints.map((endpoint) => [placeOf(endpoint), endpoint] as const));
  changes.forEach((wanted, index) => {
    const place = placeOf(wanted);
    const endpoint = inCatalog.get(place);
    const result = endpoint === undefined ? added(wanted) : changed(endpoint, wanted);
    if (typeof result === 'string') faults.push({ path: ['endpoints', index, 'model'], problem: result });
    else offered.set(place, result);
  });
  return faults.length > 0 ? { faults } : { source: { ...base, ...members, endpoints: [...offered.values()] } };
};
