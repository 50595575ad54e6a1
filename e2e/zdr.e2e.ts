// Zero data retention: what is asked and answered under it is kept nowhere, with everything that could tell switched on.
import { row39 } from './faults/row-39.ts';
import { startRetention, type RetentionLabs } from './support/retention-lab.ts';
import { useSystem } from './support/use-system.ts';

let labs: RetentionLabs;

const system = useSystem(async () => {
  labs = await startRetention();
  return {
    config: labs.config,
    // A process that has just started writes every line and span there is: a twentieth of a second is too little for it to take a call.
    timeScale: 0.5,
    env: { WAYSTATION_LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: labs.traces.url },
  };
});
afterAll(() => labs.close());

row39(system, () => labs);
