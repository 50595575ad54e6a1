// Tells all routers where a conversation was served, once its generation is over. Nobody waits for it, and nothing depends on it.
// Invariant: bounded, and fails open: what cannot be told is dropped, and the conversation goes where its hash leads.
import type { KvBucket } from '@waystation/bus';
import type { AffinityEntry } from '@waystation/contracts';
import { affinityKeyOf } from '@waystation/runtime';
import type { Generation } from '../generate/generation.js';
import { affinityChange } from './affinity-change.js';

/** Of one process at a time. In an outage every conversation moves at once. */
export const TELLING_MAX = 256;

export interface Affinity {
  learn(generation: Generation): void;
}

export type AffinityWrite = 'moved' | 'returned' | 'dropped';

export interface AffinityDeps {
  readonly bucket: Pick<KvBucket, 'put' | 'delete'>;
  readonly nowMs: () => number;
  readonly onWrite: (write: AffinityWrite) => void;
  readonly onFault: (error: unknown, what: string) => void;
}

export const createAffinity = ({ bucket, nowMs, onWrite, onFault }: AffinityDeps): Affinity => {
  let telling = 0;
  const tell = (write: AffinityWrite, work: () => Promise<void>): void => {
    if (telling >= TELLING_MAX) return onWrite('dropped');
    telling += 1;
    onWrite(write);
    work()
      .catch((error: unknown) => onFault(error, 'telling where a conversation was served'))
      .finally(() => {
        telling -= 1;
      });
  };
  return {
    learn({ plan, attempts, served, identity, request }) {
      const { conversation } = request.features;
      const change = affinityChange(plan, attempts, served, nowMs());
      if (change === undefined || conversation === undefined) return;
      const key = affinityKeyOf(identity.workspaceId, change.model, conversation);
      if (change.kind === 'delete') return tell('returned', () => bucket.delete(key));
      const entry: AffinityEntry = { v: 1, endpointId: change.endpointId, at: nowMs() };
      tell('moved', () => bucket.put(key, entry));
    },
  };
};
