// The one bootstrap: config, logger, OpenTelemetry, metrics, health, shutdown, process shape.
export { affinityKeyOf } from './affinity/affinity-key.js';
export { watchAffinity, type AffinityWatch } from './affinity/watch-affinity.js';
export { APP_CONTEXT, BUS, CONFIG, HEALTH, LOGGER, METRICS, type AppContext, type AppDefinition } from './app.js';
export { BusStrategy, type BusStrategyOptions } from './bus-strategy.js';
export { readCommandConfig } from './config.js';
export { furtherServer, listenerOf } from './further-server.js';
export { Handles } from './handles.js';
export { createHealth, type Health, type StatusRow } from './health.js';
export type { Cell, HistogramCell, UsdCell } from './metrics/cells.js';
export { operationOf } from './metrics/operation-of.js';
export { METRIC_TABLE, type MetricRow } from './metrics/metric-table.js';
export { createMetrics, type CellsBy, type Metrics } from './metrics/metrics.js';
export type { EntitySnapshot } from './snapshot/entity-snapshot.js';
export type { HeadSnapshot } from './snapshot/head-snapshot.js';
export {
  watchCatalog,
  watchCredentials,
  watchKeys,
  presetKey,
  watchPolicies,
  watchPresets,
  watchWorkspaces,
  type CatalogSnapshot,
  type PolicySnapshot,
} from './snapshot/snapshots.js';
export type { SnapshotLog, WatchOptions } from './snapshot/watch-bucket.js';
export { newWorkerKeyPair, openSealed, publicKeyOf, sealSecret, type Sealed, type WorkerKeyPair } from './seal.js';
export { proxiesOf, proxyFor, proxyVariables, type Proxies } from './proxies.js';
export { requestIdOf } from './request-id.js';
export { run, type RunOptions } from './run.js';
export {
  batchSpan,
  beginTrace,
  isTracing,
  messagingOf,
  span,
  startTelemetry,
  tellPast,
  type OpenSpan,
  type PastSpan,
  type Telemetry,
} from './telemetry.js';
