// Models, endpoints, prices: what routing and billing know of the market. Pure.
export { boundCost, canonicalPriceJson, itemise, priceUsage, priceVersionOf, type CostLine } from './price-usage.js';
export { billsAfterCancelByDefault } from './bills-after-cancel.js';
export { BUILTIN_PROVIDERS, type BuiltinProvider } from './builtin-providers.js';
export { parseModelId, type ParsedModelId, type RoutingSort } from './model-id.js';
export { credentialIdOf, normaliseCatalog, type LocatedSource, type NormalisedCatalog } from './normalise-catalog.js';
export { KNOWN_PARAMETERS, withSynonyms } from './parameters.js';
export { readUsdPerMillion, readUsdPerRequest, type PriceReading } from './price-text.js';
export type { DataPolicySource, EndpointSource, Locate, ProviderSource } from './provider-source.js';
