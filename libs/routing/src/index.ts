// Where a generation may run, in what order, and why not elsewhere. Pure.
export type { Override, Overrides } from './affinity.js';
export { createHealthBoard, type EndpointState, type HealthBoard, type HealthReport } from './health.js';
export { NO_OWN_KEYS, indexOwnKeys, type OwnKeysIndex, type OwnKeysOfWorkspace } from './own-keys.js';
export { MAX_ATTEMPTS, planRoute, type RoutingSnapshot } from './plan-route.js';
export { canBeAsked } from './split-capacity.js';
export { buildRoutingIndex, type RoutableCatalog, type Route, type RoutingIndex } from './routing-index.js';
