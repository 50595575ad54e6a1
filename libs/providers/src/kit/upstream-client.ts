// The only HTTP client towards providers. Callbacks instead of streams and promises, since one request is one state machine; connections are pooled per
// origin and counted, redirects are never followed, an abort closes the socket in the same turn.
// Invariants: after `abort`, `end` or `fail` no callback comes; nothing connects to a private address unless the target allows it.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Pool, buildConnector, type Dispatcher } from 'undici';
import { WaystationError } from '@waystation/contracts';
import { publicLookup, refusePrivateLiteral } from './guard-address.js';
import { toTransportError } from './transport-error.js';

export interface UpstreamTimeouts {
  readonly connectMs: number;
  /** From the sent request to the response's head. */
  readonly firstByteMs: number;
  /** Between two pieces of the response's body. */
  readonly idleMs: number;
}

export interface UpstreamTls {
  /** Certificate authorities besides the system's. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Where to: a provider, as long as its catalog entry does not change. */
export interface UpstreamTarget {
  readonly url: URL;
  readonly providerName: string;
  readonly allowPrivateAddress: boolean;
  /** Requests at the same time; one more is refused. */
  readonly connectionsMax: number;
  readonly timeouts: UpstreamTimeouts;
  readonly tls?: UpstreamTls;
}

export interface UpstreamMessage {
  /** Behind the target's path, starting with a slash. */
  readonly path: string;
  /** `name=value`, or nothing. */
  readonly query: string;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface UpstreamHead {
  readonly status: number;
  header(name: string): string | undefined;
}

/** `head`, then `data`, then `end`; `fail` instead of any of them. */
export interface UpstreamListener {
  head(head: UpstreamHead): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(error: WaystationError): void;
}

export interface UpstreamCall {
  /** Whether the request has gone out, so that the provider may bill for it. */
  readonly sent: boolean;
  /** No `data` until `resume`, but for what was already read. */
  pause(): void;
  resume(): void;
  /** Ends it and closes the socket. */
  abort(): void;
  /** Nothing more is wanted, but the response is all but over: lets it end for a moment, so that the connection can be used again. */
  release(): void;
}

export interface UpstreamClient {
  /** Whether one more request to the target is allowed now. */
  hasRoom(target: UpstreamTarget): boolean;
  send(target: UpstreamTarget, message: UpstreamMessage, listener: UpstreamListener): UpstreamCall;
  close(): Promise<void>;
}

/** Idle connections stay this long, unless the server says otherwise. */
const KEEP_ALIVE_MS = 15_000;
const HEADER_BYTES_MAX = 32 * 1024;
/** Pools at the same time; the one that was idle longest goes when a new one is needed. */
const POOLS_MAX = 512;
/** What a released response may still send, and for how long. */
const RELEASED_BYTES_MAX = 64 * 1024;
const RELEASED_MS_MAX = 1_000;

interface Origin {
  readonly pool: Pool;
  inFlight: number;
}

const tlsOptions = (tls: UpstreamTls): Record<string, unknown> => ({
  ...(tls.caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(tls.caFile)] }),
  ...(tls.certFile === undefined ? {} : { cert: readFileSync(tls.certFile) }),
  ...(tls.keyFile === undefined ? {} : { key: readFileSync(tls.keyFile) }),
});

const openPool = (target: UpstreamTarget): Pool => {
  const connect = buildConnector({
    timeout: target.timeouts.connectMs,
    allowH2: false,
    ...(target.tls === undefined ? {} : tlsOptions(target.tls)),
    ...(target.allowPrivateAddress ? {} : { lookup: publicLookup }),
  } as Parameters<typeof buildConnector>[0]); // `lookup` is an option of net.connect
  return new Pool(target.url.origin, {
    connect,
    allowH2: false,
    connections: target.connectionsMax,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  });
};

const pathOf = ({ pathname, search }: URL, message: UpstreamMessage): string => {
  const base = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  const query = [search.slice(1), message.query].filter((part) => part !== '').join('&');
  return query === '' ? base + message.path : `${base}${message.path}?${query}`;
};

/** What two targets must share to share connections. */
const keys = new WeakMap<UpstreamTarget, string>();
const poolKey = (target: UpstreamTarget): string => {
  const known = keys.get(target);
  if (known !== undefined) return known;
  const key = [
    target.url.origin,
    target.allowPrivateAddress,
    target.connectionsMax,
    target.timeouts.connectMs,
    target.tls?.caFile,
    target.tls?.certFile,
    target.tls?.keyFile,
  ].join(' ');
  keys.set(target, key);
  return key;
};

const readHeader = (headers: Record<string, string | string[] | undefined>, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** One request: undici's handler and our caller's grip in one object. */
class Exchange implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #providerName: string;
  #listener: UpstreamListener | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #onOver: (() => void) | undefined;
  #headSeen = false;
  #aborted = false;
  #paused = false;
  #releasedBytes = -1;
  #releaseTimer: NodeJS.Timeout | undefined;

  constructor(providerName: string, listener: UpstreamListener, onOver: () => void) {
    this.#providerName = providerName;
    this.#listener = listener;
    this.#onOver = onOver;
  }

  get sent(): boolean {
    return this.#controller !== undefined;
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    // Never from inside of another connection's parser: undici has one parser at a time.
    queueMicrotask(() => {
      if (!this.#paused) this.#controller?.resume();
    });
  }

  abort(): void {
    this.#listener = undefined;
    this.#aborted = true;
    this.#over();
    this.#controller?.abort(new Error('aborted by us'));
  }

  release(): void {
    this.#listener = undefined;
    if (this.#onOver === undefined) return;
    this.#releasedBytes = 0;
    this.#releaseTimer = setTimeout(() => this.abort(), RELEASED_MS_MAX).unref();
    this.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted) return controller.abort(new Error('aborted by us'));
    this.#controller = controller;
    if (this.#paused) controller.pause();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#headSeen = true;
    this.#listener?.head({ status, header: (name) => readHeader(headers, name) });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#releasedBytes >= 0) {
      this.#releasedBytes += chunk.length;
      if (this.#releasedBytes > RELEASED_BYTES_MAX) this.abort();
    } else this.#listener?.data(chunk);
  }

  onResponseEnd(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#over();
    listener?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#over();
    listener?.fail(toTransportError(error, this.#headSeen ? 'in-response' : 'before-response', this.#providerName));
  }

  #over(): void {
    clearTimeout(this.#releaseTimer);
    const onOver = this.#onOver;
    this.#onOver = undefined;
    onOver?.();
  }
}

export const createUpstreamClient = (): UpstreamClient => {
  /** In order of last use. */
  const origins = new Map<string, Origin>();
  let closed = false;

  const originOf = (target: UpstreamTarget): Origin => {
    const key = poolKey(target);
    const known = origins.get(key);
    if (known !== undefined) {
      if (known.inFlight === 0) {
        origins.delete(key);
        origins.set(key, known);
      }
      return known;
    }
    const opened: Origin = { pool: openPool(target), inFlight: 0 };
    if (origins.size >= POOLS_MAX) {
      for (const [oldKey, old] of origins) {
        if (old.inFlight > 0) continue;
        origins.delete(oldKey);
        void old.pool.close();
        break;
      }
    }
    origins.set(key, opened);
    return opened;
  };

  return {
    hasRoom: (target) => (origins.get(poolKey(target))?.inFlight ?? 0) < target.connectionsMax,

    send(target, message, listener) {
      let origin: Origin | undefined;
      const exchange = new Exchange(target.providerName, listener, () => {
        if (origin !== undefined) origin.inFlight -= 1;
      });
      try {
        if (closed) throw new WaystationError('shutting_down', 'This worker is shutting down.');
        if (!target.allowPrivateAddress) refusePrivateLiteral(target.url);
        origin = originOf(target);
        origin.inFlight += 1;
        origin.pool.dispatch(
          {
            path: pathOf(target.url, message),
            method: 'POST',
            headers: message.headers as string[],
            body: message.body,
            headersTimeout: target.timeouts.firstByteMs,
            bodyTimeout: target.timeouts.idleMs,
          },
          exchange,
        );
      } catch (error) {
        // As everything else, a refusal comes in a later turn.
        setImmediate(() => exchange.onResponseError(undefined, error as Error));
      }
      return exchange;
    },

    async close() {
      closed = true;
      await Promise.all([...origins.values()].map((origin) => origin.pool.destroy()));
      origins.clear();
    },
  };
};
