// CoreConnection over our own NATS client: one link at a time, found again for ever with short waits, subscriptions that outlive it, and no server that is
// too old. While disconnected nothing is buffered here: a message that would be late is the business of whoever needs it.
import { setTimeout as sleep } from 'node:timers/promises';
import { WaystationError } from '@waystation/contracts';
import type { BusState } from '../bus.js';
import type { BusOptions, BusTimes } from '../options.js';
import type { CoreConnection, CoreMessage, PermissionRefusal } from './core-connection.js';
import { AuthorizationError, dial, type DialParts } from './dial.js';
import type { Link, LinkEvents } from './link.js';
import { assertToken } from './protocol/encode.js';
import { isAuthorizationError, parseRefusal } from './protocol/server-error.js';
import { createServerPool, hostsOf, type PooledServer, type ServerPool } from './servers.js';
import type { Turn } from './turn.js';

interface Live {
  readonly subject: string;
  readonly queue: string | undefined;
  onMessage(message: CoreMessage): void;
}

const dialServer = (server: PooledServer, parts: DialParts): Promise<Link> => {
  server.dialledAt = performance.now();
  return dial(server, parts);
};

/** Tries each server, and all of them again until the time is over. @throws WaystationError */
const dialFirst = async (
  pool: ServerPool,
  parts: DialParts,
  times: BusTimes,
): Promise<{ link: Link; server: PooledServer }> => {
  const { url, user, connectTimeoutMs = 10_000 } = parts.options;
  const givesUpAt = Date.now() + connectTimeoutMs;
  for (;;) {
    let failure: unknown;
    for (let left = pool.size; left > 0; left -= 1) {
      const server = pool.next();
      try {
        return { link: await dialServer(server, parts), server };
      } catch (cause) {
        if (cause instanceof WaystationError) throw cause;
        failure = cause;
        if (!(cause instanceof AuthorizationError)) continue;
        throw new WaystationError(
          'bus_unavailable',
          `NATS at ${hostsOf(url)} refused user ${user ?? server.user ?? '(none)'}: check the user and its password.`,
          { cause },
        );
      }
    }
    if (Date.now() >= givesUpAt) {
      throw new WaystationError(
        'bus_unavailable',
        `NATS at ${hostsOf(url)} did not answer within ${connectTimeoutMs} ms.`,
        { cause: failure },
      );
    }
    await sleep(times.reconnectWaitMs);
  }
};

const subscribeOn = (link: Link, sid: number, { subject, queue }: Live): void =>
  link.line(queue === undefined ? `SUB ${subject} ${sid}` : `SUB ${subject} ${queue} ${sid}`);

const ignored = (): void => undefined;

/** @throws WaystationError `bus_unavailable` when the server cannot be reached in time, refuses us, or is too old. */
export const connectNats = async (
  options: BusOptions,
  times: BusTimes,
  turn: Turn,
  onError: (error: unknown, where: string) => void,
): Promise<CoreConnection> => {
  const pool = createServerPool(options.url);
  const closing = new AbortController();
  const live = new Map<number, Live>();
  const stateListeners: ((state: BusState) => void)[] = [];
  const refusalListeners: ((refusal: PermissionRefusal) => void)[] = [];
  let state: BusState = 'connected';
  let sids = 0;
  let closed: Promise<void> | undefined;

  const setState = (next: BusState): void => {
    if (state === next || state === 'closed') return;
    state = next;
    for (const listener of stateListeners) listener(next);
  };

  const events: LinkEvents = {
    message(sid, message) {
      const subscription = live.get(sid);
      if (subscription === undefined) return;
      try {
        subscription.onMessage(message);
      } catch (thrown) {
        onError(thrown, `message on ${subscription.subject}`);
      }
    },
    error(text) {
      const refusal = parseRefusal(text);
      if (refusal === undefined) {
        onError(new Error(`the server said: ${text}`), 'connection');
        // Other errors that the server does not go on after it ends itself.
        if (isAuthorizationError(text)) link.end();
        return;
      }
      const { operation, subject, queue } = refusal;
      for (const [sid, each] of live)
        if (operation === 'subscription' && each.subject === subject && each.queue === queue) live.delete(sid);
      for (const listener of refusalListeners) listener({ operation, subject });
    },
    info(info) {
      pool.learn(info.connectUrls, server);
      if (info.lameDuck) leave(link);
    },
    ended(cause) {
      if (closed !== undefined) return;
      if (cause !== undefined) onError(cause, 'connection');
      setState('reconnecting');
      void reconnect();
    },
  };
  const parts: DialParts = { options, pingEveryMs: times.pingEveryMs, turn, events, closing: closing.signal };

  /** A server that is about to shut down, where there is another to go to. */
  const leave = (leaving: Link): void => {
    if (pool.size === 1) return;
    void leaving
      .barrier()
      .catch(ignored)
      .then(() => leaving.end(new Error('the server is shutting down and sends its clients elsewhere')));
  };

  const take = (next: Link, from: PooledServer): void => {
    link = next;
    server = from;
    pool.learn(next.info.connectUrls, from);
    for (const [sid, subscription] of live) subscribeOn(next, sid, subscription);
    // It may have said so behind its answer to our introduction, when nobody listened yet.
    if (next.info.lameDuck) leave(next);
  };
  const reconnect = async (): Promise<void> => {
    for (;;) {
      const next = pool.next();
      const waitMs = times.reconnectWaitMs * (1 + Math.random()) - (performance.now() - next.dialledAt);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: closing.signal }).catch(ignored);
      if (closing.signal.aborted) return;
      const dialled = await dialServer(next, parts).catch((error: unknown) => {
        if (error instanceof AuthorizationError || error instanceof WaystationError) onError(error, 'connection');
        return undefined;
      });
      if (dialled === undefined) continue;
      if (closing.signal.aborted) return dialled.end();
      take(dialled, next);
      return setState('connected');
    }
  };

  let { link, server } = await dialFirst(pool, parts, times);
  take(link, server);

  return {
    get state() {
      return state;
    },
    get maxPayload() {
      return link.info.maxPayload;
    },
    onState: (listener) => void stateListeners.push(listener),
    onRefusal: (listener) => void refusalListeners.push(listener),
    publish(subject, payload, reply = '', headers) {
      if (state !== 'connected' || !link.alive) return false;
      try {
        link.publish(subject, payload, reply, headers);
      } catch (error) {
        onError(error, `publish ${subject}`);
      }
      return true;
    },
    subscribe(subject, queue, onMessage) {
      assertToken(subject);
      if (queue !== undefined) assertToken(queue);
      const sid = ++sids;
      const subscription: Live = { subject, queue, onMessage };
      live.set(sid, subscription);
      if (link.alive) subscribeOn(link, sid, subscription);
      let drained: Promise<void> | undefined;
      const drain = async (): Promise<void> => {
        if (link.alive && live.has(sid)) {
          link.line(`UNSUB ${sid}`);
          await link.barrier().catch(ignored);
        }
        live.delete(sid);
      };
      return { drain: () => (drained ??= drain()) };
    },
    async flush() {
      try {
        await link.barrier();
      } catch (cause) {
        throw new WaystationError('bus_unavailable', 'The connection to NATS was lost.', { cause });
      }
    },
    close: () =>
      (closed ??= (async () => {
        if (link.alive) await link.barrier().catch(ignored);
        closing.abort();
        link.end();
        live.clear();
        setState('closed');
      })()),
  };
};
