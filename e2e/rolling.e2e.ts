// Ending in order, on one system of two of everything: row 33, and every process restarted under load.
import { rollingRestart } from './faults/rolling-restart.ts';
import { row33 } from './faults/row-33.ts';
import { useSystem } from './support/use-system.ts';

const TWO = 2;
/** 70 % of it is for running work: longer than short streams, and shorter than long ones. */
const GRACE_MS = 30_000;
/** As a site says it whose balancer goes by readiness. */
const NOTICE_MS = 2_000;

const system = useSystem(() => ({
  replicas: { ingress: TWO, router: TWO, worker: TWO, backOffice: TWO },
  env: { WAYSTATION_SHUTDOWN_GRACE_MS: String(GRACE_MS), WAYSTATION_SHUTDOWN_NOTICE_MS: String(NOTICE_MS) },
}));

rollingRestart(system);
row33(system);
