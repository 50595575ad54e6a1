// Whether the durable consumer of a journal's stream is there: with interest retention a line nobody waits for is acked and gone.
import type { CoreConnection } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import type { JetStreamApi } from '../jetstream/jetstream-api.js';
import type { BusTimes } from '../options.js';

export interface DurableCheck {
  readonly there: boolean;
  /** Looks now. */
  check(): Promise<void>;
  stop(): void;
}

export const watchDurable = (
  parts: { connection: CoreConnection; outage: Outage; api: JetStreamApi; times: BusTimes },
  target: { stream: string; durable: string },
  onThere: () => void,
  log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void,
): DurableCheck => {
  const { connection, outage, api, times } = parts;
  const { stream, durable } = target;
  let there = false;
  let asking = false;

  const check = async (): Promise<void> => {
    if (asking || connection.state !== 'connected') return;
    asking = true;
    try {
      await api.request(`$JS.API.CONSUMER.INFO.${stream}.${durable}`, undefined);
      if (there) return;
      there = true;
      log('info', 'the durable consumer is there', { stream, durable });
      onThere();
    } catch (error) {
      if (there) log('error', 'the durable consumer is missing: lines would be lost', { stream, durable, error });
      there = false;
    } finally {
      asking = false;
    }
  };

  const offReconnect = outage.onReconnect(() => void check());
  const checking = setInterval(() => void check(), times.durableCheckEveryMs);
  // Until it is there we look often: a process is not ready without it.
  const checkingSoon = setInterval(() => {
    if (!there) void check();
  }, times.reconnectWaitMs * 2);
  checking.unref();
  checkingSoon.unref();
  void check();

  return {
    get there() {
      return there;
    },
    check,
    stop() {
      offReconnect();
      clearInterval(checking);
      clearInterval(checkingSoon);
    },
  };
};
