// Every subject of the bus, and nothing else in the project spells one. Three disjoint roots, so that no stream can ever
// capture an rpc. No user's string is ever a token: see `subjectToken`.

export const RPC_ROOT = 'way.rpc';
export const CTL_ROOT = 'way.ctl';
export const FACT_ROOT = 'way.fact';

const PLAIN_TOKEN = /^[a-z0-9][a-z0-9-]{0,47}$/;

/**
 * A string as one subject token: kept when it is plain (lower-case letters, digits, dashes), hex-encoded behind an underscore
 * otherwise. Injective; the result never contains `.`, `*`, `>` or white space.
 */
export const subjectToken = (value: string): string =>
  PLAIN_TOKEN.test(value)
    ? value
    : `_${Array.from(new TextEncoder().encode(value), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

export const SUBJECTS = {
  routePlan: `${RPC_ROOT}.route.plan`,
  /** One subject per provider; `attemptRunAny` is what a shared worker pool subscribes to, with the same queue group. */
  attemptRun: (provider: string): string => `${RPC_ROOT}.attempt.run.${subjectToken(provider)}`,
  attemptRunAny: `${RPC_ROOT}.attempt.run.*`,
  lease: (verb: 'grant' | 'renew' | 'return'): string => `${RPC_ROOT}.lease.${verb}`,
  /** Management calls: noun and verb are names from the contracts, never user input. */
  management: (service: 'control' | 'billing' | 'logging', noun: string, verb: string): string =>
    `${RPC_ROOT}.${service}.${noun}.${verb}`,
  attemptCancel: (workerInstance: string): string => `${CTL_ROOT}.attempt.cancel.${workerInstance}`,
  attemptCredit: (workerInstance: string): string => `${CTL_ROOT}.attempt.credit.${workerInstance}`,
  attemptNeed: (ingressInstance: string): string => `${CTL_ROOT}.attempt.need.${ingressInstance}`,
  attemptHeld: (workerInstance: string): string => `${CTL_ROOT}.attempt.held.${workerInstance}`,
  attemptSettled: (ingressInstance: string): string => `${CTL_ROOT}.attempt.settled.${ingressInstance}`,
  leaseRecall: (ingressInstance: string): string => `${CTL_ROOT}.lease.recall.${ingressInstance}`,
  alive: (instance: string): string => `${CTL_ROOT}.alive.${instance}`,
  aliveAny: `${CTL_ROOT}.alive.*`,
  health: (instance: string): string => `${CTL_ROOT}.health.${instance}`,
  healthAny: `${CTL_ROOT}.health.*`,
  moneyFact: (instance: string): string => `${FACT_ROOT}.money.${instance}`,
  moneyFactAny: `${FACT_ROOT}.money.*`,
  trailFact: (instance: string): string => `${FACT_ROOT}.trail.${instance}`,
  trailFactAny: `${FACT_ROOT}.trail.*`,
  /** Everything an instance receives as answers, frames and body parts. `service` has its own prefix, so that permissions can tell them apart. */
  inbox: (service: string, instance: string): string => `_INBOX.${service}.${instance}`,
} as const;

export const QUEUE_GROUPS = {
  router: 'router',
  worker: 'worker',
  billing: 'billing',
  logging: 'logging',
  control: 'control',
} as const;

/** JetStream streams and their durable consumers. Provisioned before any publisher is ready. */
export const STREAMS = {
  FACTS: { name: 'FACTS', subjects: [SUBJECTS.moneyFactAny], durable: 'billing' },
  TRAIL: { name: 'TRAIL', subjects: [SUBJECTS.trailFactAny], durable: 'logging' },
} as const;

/** KV buckets. `ttlMs` of 0 means entries stay until they are replaced or deleted. */
export const BUCKETS = {
  keys: { name: 'keys', ttlMs: 0 },
  policies: { name: 'policies', ttlMs: 0 },
  catalog: { name: 'catalog', ttlMs: 0 },
  credentials: { name: 'credentials', ttlMs: 0 },
  workspaces: { name: 'workspaces', ttlMs: 0 },
  idempotency: { name: 'idempotency', ttlMs: 24 * 60 * 60 * 1000 },
  affinity: { name: 'affinity', ttlMs: 10 * 60 * 1000 },
  /** Sealed answers; each says itself when it expires. */
  answers: { name: 'answers', ttlMs: 24 * 60 * 60 * 1000 },
} as const;
export type BucketName = keyof typeof BUCKETS;
