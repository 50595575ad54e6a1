// Zero data retention: what is asked and answered under it is kept nowhere, with everything that could tell switched on.
import { row39 } from './faults/row-39.ts';
import { startRetention, type RetentionLabs } from './support/retention-lab.ts';
import { useSystem } from './support/use-system.ts';

let labs: RetentionLabs;

const system = useSystem(async () => {
  labs = await startRetention();
  return {
    config: labs.config,
    env: { WAYSTATION_LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: labs.traces.url },
  };
});
afterAll(() => labs.close());

row39(system, () => labs);
