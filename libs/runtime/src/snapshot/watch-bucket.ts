// One live watch over one KV bucket, kept up for as long as the process lives: a bucket that is not there yet is tried again until it is.
// Invariant: everything that arrives is validated here, so that what stands behind a snapshot is always a good entry.
import type { Bus, KvWatch } from '@waystation/bus';
import type { BucketName } from '@waystation/contracts';
import type { z } from 'zod';

/** Where a watcher says what it ignored. A pino logger fits. */
export interface SnapshotLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface WatchOptions {
  readonly log?: SnapshotLog;
  /** How long to wait before a watch that could not be opened is tried again. Default 500 ms. */
  readonly retryMs?: number;
}

/** What a snapshot makes of the stream of entries. */
export interface EntrySink {
  /** A good entry of one of the schemas, under its KV key. */
  put(key: string, kind: string, entry: unknown): void;
  /** An entry that no schema accepts: what was known under the key stays. */
  broken(key: string): void;
  delete(key: string): void;
  /** All that is stored comes again, from the start. */
  resync(): void;
  /** All that is stored has been delivered. */
  synced(): void;
}

export interface BucketWatch {
  /** Milliseconds since the server was last known to feed this watch; infinite before the first time. */
  silentMs(): number;
  stop(): void;
}

/** Kinds that share a bucket, each with a snapshot of its own. */
const SHARED: Readonly<Partial<Record<BucketName, readonly string[]>>> = { workspaces: ['workspace', 'preset'] };
const isForAnother = (bucket: BucketName, kind: string): boolean => SHARED[bucket]?.includes(kind) === true;

/** `schemas` by kind: the part of the key before the first dot. */
export const watchBucket = (
  bus: Bus,
  bucket: BucketName,
  schemas: Readonly<Record<string, z.ZodType>>,
  sink: EntrySink,
  options: WatchOptions,
): BucketWatch => {
  const retryMs = options.retryMs ?? 500;
  const logged = new Set<string>();
  let watch: KvWatch | undefined;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const complainOnce = (key: string, message: string, fields: Record<string, unknown>): void => {
    if (logged.has(key) || logged.size >= COMPLAINTS_MAX) return;
    logged.add(key);
    options.log?.warn({ bucket, key, ...fields }, message);
  };

  const entry = (key: string, value: unknown): void => {
    const kind = key.split('.', 1)[0] ?? key;
    const schema = Object.hasOwn(schemas, kind) ? schemas[kind] : undefined;
    if (schema === undefined && isForAnother(bucket, kind)) return;
    if (schema === undefined) return complainOnce(key, 'ignored a key of an unknown kind', {});
    if (value === undefined) return sink.delete(key);
    const parsed = schema.safeParse(value);
    if (parsed.success) {
      logged.delete(key);
      return sink.put(key, kind, Object.freeze(parsed.data));
    }
    // Paths and codes only: a value could be a secret.
    complainOnce(key, 'ignored an entry that its schema refuses', {
      issues: parsed.error.issues.slice(0, 8).map((issue) => ({ path: issue.path.join('.'), code: issue.code })),
    });
    sink.broken(key);
  };

  const open = async (): Promise<void> => {
    try {
      const kv = await bus.kv(bucket);
      const opened = await kv.watch('>', { entry, resync: () => sink.resync(), synced: () => sink.synced() });
      if (stopped) opened.stop();
      else watch = opened;
    } catch (error) {
      complainOnce('', 'the bucket cannot be watched yet; trying again', {
        error: error instanceof Error ? error.message : String(error),
      });
      if (!stopped) retry = setTimeout(() => void open(), retryMs).unref();
    }
  };
  void open();

  return {
    silentMs: () => watch?.silentMs() ?? Number.POSITIVE_INFINITY,
    stop() {
      stopped = true;
      clearTimeout(retry);
      watch?.stop();
    },
  };
};

/** Keys complained about are remembered so that each is logged once; beyond this many, further ones are silent. */
const COMPLAINTS_MAX = 10_000;
