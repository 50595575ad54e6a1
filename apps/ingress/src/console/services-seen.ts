// Which processes are alive, from the beat that each sends every second: for the status page, and for how often it is worth asking another worker.
import type { Alive } from '@waystation/contracts';
import type { z } from 'zod';

type Beat = z.infer<typeof Alive.message>;

export interface SeenService {
  readonly instance: string;
  readonly services: readonly string[];
  readonly release: string;
  readonly lastSeenAt: number;
}

export interface ServicesSeen {
  saw(beat: Beat): void;
  list(): SeenService[];
  /** Processes that run the service and were heard within `withinMs`. */
  count(service: string, withinMs: number): number;
}

/** Processes that are remembered; the longest silent goes first. */
const SEEN_MAX = 512;
/** A process that was silent for so long is not shown any more. */
const FORGET_AFTER_MS = 60_000;

export const createServicesSeen = (nowMs: () => number): ServicesSeen => {
  const seen = new Map<string, SeenService>();
  return {
    saw({ instance, services, release, leaving }) {
      seen.delete(instance);
      if (leaving === true) return;
      seen.set(instance, { instance, services, release, lastSeenAt: nowMs() });
      const [oldest] = seen.keys();
      if (seen.size > SEEN_MAX && oldest !== undefined) seen.delete(oldest);
    },
    count(service, withinMs) {
      const since = nowMs() - withinMs;
      let count = 0;
      for (const { services, lastSeenAt } of seen.values())
        if (lastSeenAt >= since && services.includes(service)) count += 1;
      return count;
    },
    list() {
      const now = nowMs();
      for (const [instance, { lastSeenAt }] of seen) if (now - lastSeenAt > FORGET_AFTER_MS) seen.delete(instance);
      return [...seen.values()].sort((a, b) => (a.instance < b.instance ? -1 : 1));
    },
  };
};
