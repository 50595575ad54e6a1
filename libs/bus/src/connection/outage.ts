// How long the bus has been away, told once per outage to those who gave a time they can bear.
import type { CoreConnection } from './core-connection.js';

export interface Outage {
  /** Milliseconds since the connection was lost; 0 while connected. */
  lastedMs(): number;
  /** Milliseconds since the last reconnect; Infinity if there was none. Peers may still be on their way back. */
  sinceReconnectMs(): number;
  /** Number of times the connection was lost so far: what was sent under another number may be lost. */
  readonly epoch: number;
  /** The result takes the listener off again. */
  onReconnect(listener: () => void): () => void;
  /** Called when an outage has lasted so long; again in the next outage. */
  onLongerThan(ms: number, listener: () => void): void;
  stop(): void;
}

export const watchOutage = (connection: CoreConnection): Outage => {
  const reconnected = new Set<() => void>();
  const limits: { ms: number; listener: () => void }[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let lostAt: number | undefined;
  let reconnectedAt = -Infinity;
  let epoch = 0;
  let stopped = false;
  const forget = (): void => {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  };
  /** A timer may be a part of a millisecond early: who asked then for how long would hear that the time is not over, and would never be told that it is. */
  const wait = (limit: { ms: number; listener: () => void }, since: number): void => {
    const leftMs = Math.ceil(since + limit.ms - performance.now());
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        if (performance.now() - since > limit.ms) limit.listener();
        else wait(limit, since);
      },
      Math.max(1, leftMs),
    );
    timers.add(timer);
  };

  connection.onState((state) => {
    if (state === 'connected') {
      forget();
      lostAt = undefined;
      reconnectedAt = performance.now();
      for (const listener of reconnected) listener();
    } else if (lostAt === undefined) {
      lostAt = performance.now();
      epoch += 1;
      // A connection that could not be closed in time is closed later: that keeps nobody waiting any more.
      if (!stopped) for (const limit of limits) wait(limit, lostAt);
    }
  });

  return {
    lastedMs: () => (lostAt === undefined ? 0 : performance.now() - lostAt),
    sinceReconnectMs: () => performance.now() - reconnectedAt,
    get epoch() {
      return epoch;
    },
    onReconnect(listener) {
      reconnected.add(listener);
      return () => void reconnected.delete(listener);
    },
    onLongerThan: (ms, listener) => void limits.push({ ms, listener }),
    stop() {
      stopped = true;
      forget();
    },
  };
};
