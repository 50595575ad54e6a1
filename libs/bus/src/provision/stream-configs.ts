// What the journal's streams, their durables and the KV buckets must look like. Only what is named here is compared with what the server has.
import { BUCKETS, STREAMS, type BucketName } from '@waystation/contracts';
import { NANOS_PER_MS } from '../jetstream/jetstream-api.js';
import { streamOfBucket, subjectOfKey } from '../kv/kv-bucket.js';

export interface ProvisionOptions {
  /** Copies of every message: 1 on one server, 3 in a cluster. Default 1. */
  readonly replicas?: number;
  /** What FACTS may hold before it refuses new lines. Default 1 GiB. */
  readonly factsBytesMax?: number;
  /** What TRAIL may hold before it drops its oldest lines. Default 256 MiB. */
  readonly trailBytesMax?: number;
  /**
   * What one bucket may hold before it refuses new values. Default 128 MiB; 512 MiB for idempotency keys, one for each request of a day that has one; 256 MiB for
   * answers, of which the oldest go instead.
   */
  readonly bucketBytesMax?: number;
}

const MIB = 1024 * 1024;
const DEDUPE_WINDOW_MS = 120_000;
const BUCKET_MIB: Readonly<Partial<Record<BucketName, number>>> = { idempotency: 512, answers: 256 };
/** What is in these can be had again: a full one drops its oldest. */
const FORGETFUL: ReadonlySet<BucketName> = new Set(['answers']);
const BUCKET_MIB_DEFAULT = 128;
/** The server keeps no more than this delivered and not acked; consumers ask for less. */
const UNACKED_MAX = 10_000;

/** Fields of JetStream's own configuration objects. https://docs.nats.io/nats-concepts/jetstream/streams */
export type ServerConfig = Readonly<Record<string, unknown>>;

export interface StreamPlan {
  readonly name: string;
  readonly config: ServerConfig;
  readonly durable?: { readonly name: string; readonly config: ServerConfig };
}

const durable = (name: string, ackWaitMs: number): NonNullable<StreamPlan['durable']> => ({
  name,
  config: {
    durable_name: name,
    deliver_policy: 'all',
    ack_policy: 'explicit',
    ack_wait: ackWaitMs * NANOS_PER_MS,
    max_deliver: -1,
    max_ack_pending: UNACKED_MAX,
    replay_policy: 'instant',
  },
});

export const journalPlans = (
  options: ProvisionOptions,
  ackWaitMs: number,
): { readonly FACTS: StreamPlan; readonly TRAIL: StreamPlan } => {
  const common = {
    storage: 'file',
    num_replicas: options.replicas ?? 1,
    duplicate_window: DEDUPE_WINDOW_MS * NANOS_PER_MS,
    max_age: 0,
    max_msgs: -1,
    deny_delete: true,
  };
  return {
    FACTS: {
      name: STREAMS.FACTS.name,
      // Money is never dropped: a full stream refuses, and publishers refuse paid work.
      config: {
        ...common,
        name: STREAMS.FACTS.name,
        subjects: [...STREAMS.FACTS.subjects],
        retention: 'interest',
        discard: 'new',
        max_bytes: options.factsBytesMax ?? 1024 * MIB,
      },
      durable: durable(STREAMS.FACTS.durable, ackWaitMs),
    },
    TRAIL: {
      name: STREAMS.TRAIL.name,
      config: {
        ...common,
        name: STREAMS.TRAIL.name,
        subjects: [...STREAMS.TRAIL.subjects],
        retention: 'limits',
        discard: 'old',
        max_bytes: options.trailBytesMax ?? 256 * MIB,
      },
      durable: durable(STREAMS.TRAIL.durable, ackWaitMs),
    },
  };
};

export const bucketPlans = (options: ProvisionOptions): readonly StreamPlan[] =>
  (Object.keys(BUCKETS) as BucketName[]).map((bucket) => ({
    name: streamOfBucket(bucket),
    config: {
      name: streamOfBucket(bucket),
      subjects: [subjectOfKey(bucket, '>')],
      retention: 'limits',
      storage: 'file',
      discard: FORGETFUL.has(bucket) ? 'old' : 'new',
      num_replicas: options.replicas ?? 1,
      max_msgs_per_subject: 1,
      max_bytes: options.bucketBytesMax ?? (BUCKET_MIB[bucket] ?? BUCKET_MIB_DEFAULT) * MIB,
      max_age: BUCKETS[bucket].ttlMs * NANOS_PER_MS,
      allow_rollup_hdrs: true,
      allow_direct: true,
      deny_delete: true,
    },
  }));
