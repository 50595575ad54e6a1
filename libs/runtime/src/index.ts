// The one bootstrap: config, logger, OpenTelemetry, metrics, health, shutdown, process shape.
export { APP_CONTEXT, BUS, CONFIG, HEALTH, LOGGER, METRICS, type AppContext, type AppDefinition } from './app.js';
export { Handles } from './handles.js';
export { createHealth, type Health } from './health.js';
export { createMetrics, type Cell, type Metrics } from './metrics.js';
