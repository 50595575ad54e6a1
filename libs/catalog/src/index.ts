// Models, endpoints, prices: what routing and billing know of the market. Pure.
export {
  boundCost,
  canonicalPriceJson,
  itemise,
  lacksPriceFor,
  perUnitFor,
  priceUsage,
  priceVersionOf,
  unitPrice,
  type CostLine,
  type UsageBound,
} from './price-usage.js';
export { billsAfterCancelByDefault } from './bills-after-cancel.js';
export {
  ABILITIES,
  keyAmong,
  offerByKeys,
  sourceOfCatalog,
  type CatalogEndpoint,
  type CatalogModel,
  type CatalogProvider,
  type CatalogProviderHead,
} from './catalog-file.js';
export { extendProvider, type EndpointChange, type ExtensionFault, type ProviderExtension } from './extend-provider.js';
export { latestAliases, type DatedModel } from './latest-aliases.js';
export { parseModelId, type EndpointTier, type ParsedModelId, type RoutingSort } from './model-id.js';
export {
  credentialIdOf,
  endpointIdOf,
  normaliseCatalog,
  type EndpointPrice,
  type LocatedSource,
  type NormalisedCatalog,
} from './normalise-catalog.js';
export { KNOWN_PARAMETERS, withSynonyms } from './parameters.js';
export { PRICE_UNITS, readPrice, readUsdPerMillion, readUsdPerPiece, type PriceReading } from './price-text.js';
export type {
  DataPolicySource,
  EndpointSource,
  Locate,
  PriceChangeSource,
  PriceSource,
  ProviderSource,
} from './provider-source.js';
