// What `GET /models` says of a model, derived from the endpoints that serve it. Ids without an enabled endpoint are not listed.
import type { EndpointEntry, ModelEntry, PriceVector } from '@waystation/contracts';

export interface ModelListing {
  readonly model: ModelEntry;
  /** Of the cheapest enabled endpoint, by input and output price together. */
  readonly price: PriceVector;
  /** The cheapest endpoint: what most requests meet. */
  readonly topProvider: { readonly context: number; readonly maxOutput?: number };
  /** What at least one endpoint supports. */
  readonly supportedParameters: readonly string[];
  readonly endpoints: readonly EndpointEntry[];
}

/** Input plus output, in picodollars per token: the order of "cheapest first". */
export const listPrice = (price: PriceVector): bigint =>
  BigInt(price.perUnit['input'] ?? 0) + BigInt(price.perUnit['output'] ?? 0);

/** Newest first, then by id. */
export const listModels = (catalog: {
  readonly models: ReadonlyMap<string, ModelEntry>;
  readonly endpoints: ReadonlyMap<string, EndpointEntry>;
}): ModelListing[] => {
  const byModel = new Map<string, EndpointEntry[]>();
  for (const endpoint of catalog.endpoints.values()) {
    if (!endpoint.enabled) continue;
    const list = byModel.get(endpoint.model);
    if (list === undefined) byModel.set(endpoint.model, [endpoint]);
    else list.push(endpoint);
  }
  const listings: ModelListing[] = [];
  for (const [id, endpoints] of byModel) {
    const model = catalog.models.get(id);
    if (model === undefined) continue;
    const sorted = endpoints
      .map((endpoint) => ({ endpoint, price: listPrice(endpoint.price) }))
      .sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : a.endpoint.id < b.endpoint.id ? -1 : 1));
    const cheapest = sorted[0]?.endpoint;
    if (cheapest === undefined) continue;
    listings.push({
      model,
      price: cheapest.price,
      topProvider: {
        context: cheapest.context,
        ...(cheapest.maxOutput === undefined ? {} : { maxOutput: cheapest.maxOutput }),
      },
      supportedParameters: [...new Set(endpoints.flatMap((endpoint) => endpoint.supportedParameters))].sort(),
      endpoints: sorted.map(({ endpoint }) => endpoint),
    });
  }
  return listings.sort((a, b) => b.model.created - a.model.created || (a.model.id < b.model.id ? -1 : 1));
};
