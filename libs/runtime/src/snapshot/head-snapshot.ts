// Entities that only make sense together (catalog, policies). Control writes what changed and then a head that says up to which version
// the set is complete; the snapshot is swapped at a head and never shows a half-written set.
import type { Bus } from '@waystation/bus';
import { headEntry, type BucketName, type HeadEntry } from '@waystation/contracts';
import type { z } from 'zod';
import { watchBucket, type WatchOptions } from './watch-bucket.js';

export interface HeadSnapshot<Value> {
  /** Immutable; replaced whole at each head. Empty, with revision 0, until `ready`. */
  readonly current: Value;
  /** Whether a complete set was seen once. */
  readonly ready: boolean;
  /** Told after each swap. Returns how to stop listening. */
  onChange(listener: (current: Value) => void): () => void;
  /** Milliseconds since the server was last known to feed this snapshot; infinite before the first time. */
  silentMs(): number;
  stop(): void;
}

/** A good entry with its kind, as it waits for the next head. */
export interface PendingEntry {
  readonly kind: string;
  readonly entry: { readonly version: number };
}

export const watchHead = <Value>(
  bus: Bus,
  bucket: BucketName,
  schemas: Readonly<Record<string, z.ZodType>>,
  build: (revision: number, entries: Iterable<PendingEntry>) => Value,
  options: WatchOptions,
): HeadSnapshot<Value> => {
  const pending = new Map<string, PendingEntry>();
  const broken = new Set<string>();
  const listeners = new Set<(current: Value) => void>();
  let head: HeadEntry | undefined;
  let synced = false;
  let swappedAt: HeadEntry | undefined;
  let current = build(0, []);

  /** True when the set is exactly what the head says: nothing of a later version, nothing missing. A broken entry counts as present. */
  const complete = (at: HeadEntry): boolean => {
    if (pending.size + broken.size !== at.entities) return false;
    for (const { entry } of pending.values()) if (entry.version > at.version) return false;
    return true;
  };

  const swap = (): void => {
    const isOld = head === swappedAt || (head?.version ?? 0) < (swappedAt?.version ?? 0);
    if (!synced || head === undefined || isOld || !complete(head)) return;
    swappedAt = head;
    current = build(head.version, pending.values());
    for (const listener of listeners) listener(current);
  };

  const watch = watchBucket(
    bus,
    bucket,
    { ...schemas, head: headEntry },
    {
      put(key, kind, value) {
        if (kind === 'head') {
          const next = value as HeadEntry; // validated against headEntry one call up
          if (head === undefined || next.version >= head.version) head = next;
          return swap();
        }
        const entry = value as PendingEntry['entry']; // validated against its schema, all of which have a version
        const known = pending.get(key);
        if (known !== undefined && known.entry.version > entry.version) return;
        broken.delete(key);
        pending.set(key, { kind, entry });
      },
      broken(key) {
        if (!pending.has(key) && key !== 'head') broken.add(key);
      },
      delete(key) {
        pending.delete(key);
        broken.delete(key);
      },
      // `current` serves on until the new delivery is complete at a head.
      resync() {
        pending.clear();
        broken.clear();
        head = undefined;
        synced = false;
      },
      synced() {
        synced = true;
        swap();
      },
    },
    options,
  );

  return {
    get current() {
      return current;
    },
    get ready() {
      return swappedAt !== undefined;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    silentMs: () => watch.silentMs(),
    stop: () => watch.stop(),
  };
};
