// What the environment says of the listeners.
import { ingressConfig } from './config.js';

const managementOf = (environment: Record<string, string>) => {
  const outcome = ingressConfig.safeParse(environment);
  return outcome.success
    ? outcome.data.management
    : outcome.error.issues.map(({ path, message }) => [path[0], message]);
};

test.each<[Record<string, string>, unknown]>([
  [{}, undefined],
  [{ WAYSTATION_MANAGEMENT_PORT: '8081' }, { host: '127.0.0.1', port: 8081 }],
  // Inference for all, management for this machine: nothing but a host of its own opens it.
  [
    { WAYSTATION_HOST: '0.0.0.0', WAYSTATION_MANAGEMENT_PORT: '8081' },
    { host: '127.0.0.1', port: 8081 },
  ],
  [
    { WAYSTATION_MANAGEMENT_PORT: '8081', WAYSTATION_MANAGEMENT_HOST: '10.0.0.5' },
    { host: '10.0.0.5', port: 8081 },
  ],
  // One port of two addresses, and two ports of the system's choice.
  [
    { WAYSTATION_HOST: '10.0.0.5', WAYSTATION_PORT: '80', WAYSTATION_MANAGEMENT_PORT: '80' },
    { host: '127.0.0.1', port: 80 },
  ],
  [
    { WAYSTATION_PORT: '0', WAYSTATION_MANAGEMENT_PORT: '0' },
    { host: '127.0.0.1', port: 0 },
  ],
  [
    { WAYSTATION_MANAGEMENT_PORT: '8080' },
    [['WAYSTATION_MANAGEMENT_PORT', 'must not be WAYSTATION_PORT (8080) on the same host']],
  ],
  [
    { WAYSTATION_MANAGEMENT_HOST: '127.0.0.1' },
    [['WAYSTATION_MANAGEMENT_HOST', 'says where management listens, which needs WAYSTATION_MANAGEMENT_PORT as well']],
  ],
])('%j', (environment, management) => {
  expect(managementOf(environment)).toEqual(management);
});
