// Models, endpoints, prices: what routing and billing know of the market. Pure.
export { boundCost, canonicalPriceJson, itemise, priceUsage, priceVersionOf, type CostLine } from './price-usage.js';
