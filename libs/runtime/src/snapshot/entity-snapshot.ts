// Entities that stand alone (keys, workspaces, credentials): each is the newest version that was ever seen, whatever order entries come in.
import type { Bus } from '@waystation/bus';
import type { BucketName } from '@waystation/contracts';
import type { z } from 'zod';
import { watchBucket, type WatchOptions } from './watch-bucket.js';

export interface EntitySnapshot<Entry> {
  /** By id. A live view: entries are immutable and replaced whole, one by one. */
  readonly current: ReadonlyMap<string, Entry>;
  /** Whether everything stored was delivered once. */
  readonly ready: boolean;
  /** Told after each change; `entry` is undefined when the entity is gone. Returns how to stop listening. */
  onChange(listener: (id: string, entry: Entry | undefined) => void): () => void;
  /** Milliseconds since the server was last known to feed this snapshot; infinite before the first time. */
  silentMs(): number;
  stop(): void;
}

interface Versioned {
  readonly version: number;
}

export const watchEntities = <Entry extends Versioned>(
  bus: Bus,
  bucket: BucketName,
  kind: string,
  schema: z.ZodType<Entry>,
  idOf: (entry: Entry) => string,
  options: WatchOptions,
): EntitySnapshot<Entry> => {
  const current = new Map<string, Entry>();
  const idOfKey = new Map<string, string>();
  const listeners = new Set<(id: string, entry: Entry | undefined) => void>();
  let ready = false;

  const watch = watchBucket(
    bus,
    bucket,
    { [kind]: schema },
    {
      put(key, _kind, value) {
        const entry = value as Entry; // validated against `schema` one call up
        const id = idOf(entry);
        const known = current.get(id);
        if (known !== undefined && known.version > entry.version) return;
        idOfKey.set(key, id);
        current.set(id, entry);
        for (const listener of listeners) listener(id, entry);
      },
      broken() {},
      delete(key) {
        const id = idOfKey.get(key);
        if (id === undefined) return;
        idOfKey.delete(key);
        current.delete(id);
        for (const listener of listeners) listener(id, undefined);
      },
      // Nothing is dropped when the bucket comes anew: revocations are entries, and a bucket that was lost must not lock everybody out.
      resync() {},
      synced() {
        ready = true;
      },
    },
    options,
  );

  return {
    current,
    get ready() {
      return ready;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    silentMs: () => watch.silentMs(),
    stop: () => watch.stop(),
  };
};
