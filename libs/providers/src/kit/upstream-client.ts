// The only HTTP client towards providers: one pool of connections for each origin and its terms. Redirects are never followed, an abort closes the socket in the same turn.
// Invariants: after `abort`, `end` or `fail` no callback comes; nothing connects to a private address unless the target allows it; no request is written twice.
import { WaystationError } from '@waystation/contracts';
import { Exchange, type ExchangeOwner } from './exchange.js';
import { refusePrivateLiteral } from './guard-address.js';
import { ConnectionPool } from './http1/connection-pool.js';
import { createSocketOpener } from './http1/open-socket.js';
import { refusingProxy } from './http1/proxy.js';
import { forwardRequestHead, writeRequestHead } from './http1/request-head.js';
import { Ticker, ticksOf } from './http1/ticker.js';
import { UpstreamAddress } from './upstream-address.js';
import type { UpstreamCall, UpstreamClient, UpstreamListener, UpstreamTarget } from './upstream.js';

export type {
  ProxiedNames,
  UpstreamCall,
  UpstreamClient,
  UpstreamHead,
  UpstreamListener,
  UpstreamMessage,
  UpstreamProxy,
  UpstreamTarget,
  UpstreamTimeouts,
  UpstreamTls,
} from './upstream.js';

/** Pools at the same time; the one that was idle longest goes when a new one is needed. */
const POOLS_MAX = 512;

/** A pool and the calls that are counted against its target. */
class Origin implements ExchangeOwner {
  readonly pool: ConnectionPool;
  readonly #ticker: Ticker;
  inFlight = 0;

  constructor(target: UpstreamTarget, namedHost: string, ticker: Ticker) {
    this.#ticker = ticker;
    this.pool = new ConnectionPool(createSocketOpener(target, namedHost), {
      connectionsMax: target.connectionsMax,
      connectTicks: ticksOf(target.timeouts.connectMs),
    });
  }

  submit(exchange: Exchange): void {
    this.pool.submit(exchange);
    this.inFlight += 1;
    this.#ticker.callBegan();
    this.#ticker.start();
  }

  withdrawn(exchange: Exchange): void {
    this.pool.withdraw(exchange);
  }

  over(): void {
    this.inFlight -= 1;
    this.#ticker.callEnded();
  }
}

/** As everything else, a refusal comes in a later turn. */
const refuse = (target: UpstreamTarget, listener: UpstreamListener, error: unknown): UpstreamCall => {
  const exchange = new Exchange(target.providerName, undefined, listener, {
    withdrawn: () => undefined,
    over: () => undefined,
  });
  setImmediate(() => exchange.fail(error as Error));
  return exchange;
};

export const createUpstreamClient = (): UpstreamClient => {
  /** In order of last use. */
  const origins = new Map<string, Origin>();
  const ticker = new Ticker(() => {
    let needed = false;
    for (const { pool } of origins.values()) {
      pool.tick();
      needed ||= !pool.isEmpty;
    }
    return needed;
  });
  let closed = false;
  const shuttingDown = (): WaystationError => new WaystationError('shutting_down', 'This worker is shutting down.');

  const originOf = (target: UpstreamTarget, key: string, namedHost: string): Origin => {
    const known = origins.get(key);
    if (known !== undefined) {
      if (known.inFlight === 0) {
        origins.delete(key);
        origins.set(key, known);
      }
      return known;
    }
    const opened = new Origin(target, namedHost, ticker);
    if (origins.size >= POOLS_MAX) {
      for (const [oldKey, old] of origins) {
        if (old.inFlight > 0) continue;
        origins.delete(oldKey);
        void old.pool.close(shuttingDown());
        break;
      }
    }
    origins.set(key, opened);
    return opened;
  };

  return {
    hasRoom: (target) => (origins.get(UpstreamAddress.of(target).poolKey)?.inFlight ?? 0) < target.connectionsMax,

    send(target, message, listener) {
      try {
        if (closed) throw shuttingDown();
        if (!target.allowPrivateAddress) refusePrivateLiteral(target.url);
        const address = UpstreamAddress.of(target);
        const { headers, body } = message;
        const head = writeRequestHead(address.host, address.pathOf(message), headers, body.length);
        const { closes, namedHost } = head;
        address.nameHost(namedHost);
        const origin = originOf(target, address.poolKey, namedHost ?? address.host);
        const { timeouts } = target;
        const { forwarding } = address;
        const request = {
          head: forwarding === undefined ? head.text : forwardRequestHead(head, forwarding),
          body,
          closes,
          firstByteTicks: ticksOf(timeouts.firstByteMs),
          idleTicks: ticksOf(timeouts.idleMs),
        };
        const exchange = new Exchange(
          target.providerName,
          request,
          forwarding === undefined ? listener : refusingProxy(listener),
          origin,
        );
        origin.submit(exchange);
        return exchange;
      } catch (error) {
        return refuse(target, listener, error);
      }
    },

    async close() {
      closed = true;
      ticker.stop();
      await Promise.all([...origins.values()].map((origin) => origin.pool.close(shuttingDown())));
      origins.clear();
    },
  };
};
