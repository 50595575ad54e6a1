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
  let timers: NodeJS.Timeout[] = [];
  let lostAt: number | undefined;
  let reconnectedAt = -Infinity;
  let epoch = 0;
  const stop = (): void => {
    for (const timer of timers) clearTimeout(timer);
    timers = [];
  };

  connection.onState((state) => {
    if (state === 'connected') {
      stop();
      lostAt = undefined;
      reconnectedAt = performance.now();
      for (const listener of reconnected) listener();
    } else if (lostAt === undefined) {
      lostAt = performance.now();
      epoch += 1;
      timers = limits.map(({ ms, listener }) => setTimeout(listener, ms));
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
    stop,
  };
};
