// Where conversations were served other than at home, as all ingresses tell it. A help and no condition: without it every conversation goes where its hash leads.
// Invariant: bounded. Beyond that the places that were told of first are forgotten.
import type { Bus } from '@waystation/bus';
import { affinityEntry, type AffinityEntry } from '@waystation/contracts';
import { watchBucket, type WatchOptions } from '../snapshot/watch-bucket.js';
import { affinityKeyOf } from './affinity-key.js';

export const AFFINITIES_MAX = 100_000;

export interface AffinityWatch {
  /** What was last told of the conversation, however long ago. */
  of(workspaceId: string, model: string, conversation: string): AffinityEntry | undefined;
  readonly size: number;
  stop(): void;
}

export const watchAffinity = (bus: Bus, options: WatchOptions & { readonly max?: number } = {}): AffinityWatch => {
  const { max = AFFINITIES_MAX } = options;
  const known = new Map<string, AffinityEntry>();
  const watch = watchBucket(
    bus,
    'affinity',
    { affinity: affinityEntry },
    {
      put(key, _kind, value) {
        known.delete(key);
        known.set(key, value as AffinityEntry); // validated against the schema one call up
        for (const oldest of known.keys()) {
          if (known.size <= max) return;
          known.delete(oldest);
        }
      },
      broken(key) {
        known.delete(key);
      },
      delete(key) {
        known.delete(key);
      },
      resync() {
        known.clear();
      },
      synced() {},
    },
    options,
  );
  return {
    of: (...conversation) => (known.size === 0 ? undefined : known.get(affinityKeyOf(...conversation))),
    get size() {
      return known.size;
    },
    stop: () => watch.stop(),
  };
};
