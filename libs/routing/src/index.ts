// Where a generation may run, in what order, and why not elsewhere. Pure.
export type { Override, Overrides } from './affinity.js';
export { fullBy, mayTake, type CapacityMetric, type Use } from './capacity.js';
export { createCapacityBoard, type CapacityBoard, type Full } from './capacity-board.js';
export { createCapacityTally, type Begun, type CapacityTally } from './capacity-tally.js';
export { demandOf, excludeEndpoint } from './exclude-endpoint.js';
export { PERCENTILES, type EndpointFigures, type Percentile } from './figures.js';
export { createHealthTally, type HealthTally, type Observation } from './health-tally.js';
export {
  createHealthBoard,
  type EndpointState,
  type EndpointStatistics,
  type HealthBoard,
  type HealthBoardOptions,
  type HealthView,
} from './health.js';
export { NO_OWN_KEYS, indexOwnKeys, type OwnKeysIndex, type OwnKeysOfWorkspace } from './own-keys.js';
export { MAX_ATTEMPTS, planRoute, type RoutingSnapshot } from './plan-route.js';
export { canBeAsked } from './split-capacity.js';
export { buildRoutingIndex, type RoutableCatalog, type Route, type RoutingIndex } from './routing-index.js';
