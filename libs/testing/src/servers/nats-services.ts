// The users of deploy/nats/accounts.conf: one per process, and `operator` for tools and tests.
export const NATS_SERVICES = [
  'ingress',
  'router',
  'worker',
  'billing',
  'logging',
  'control',
  'data-plane',
  'back-office',
  'operator',
] as const;
