// One request and its response: the caller's grip on it, and what the connection tells about it, in one object.
// Invariants: after `abort`, `end` or `fail` no callback comes; no `data` while paused, and nothing is lost or out of order after it.
import type { Connection, OutgoingRequest } from './http1/connection.js';
import type { WaitingCall } from './http1/connection-pool.js';
import type { ResponseHead } from './http1/response-head.js';
import { ticksOf } from './http1/ticker.js';
import { toTransportError } from './transport-error.js';
import type { UpstreamCall, UpstreamListener } from './upstream.js';

/** What a released response may still send, and for how long. */
const RELEASED_BYTES_MAX = 64 * 1024;
const RELEASED_MS_MAX = 1_000;

/** Whoever counts the calls. */
export interface ExchangeOwner {
  withdrawn(exchange: Exchange): void;
  /** Once, at the very end. */
  over(exchange: Exchange): void;
}

export class Exchange implements UpstreamCall, WaitingCall {
  readonly #providerName: string;
  readonly #owner: ExchangeOwner;
  #listener: UpstreamListener | undefined;
  /** Until it is written. */
  #request: OutgoingRequest | undefined;
  #connection: Connection | undefined;
  #sent = false;
  #headSeen = false;
  #over = false;
  #paused = false;
  /** Read before the pause took hold: a read's worth at most, and how it ended. */
  #held: Buffer[] = [];
  #heldEnd: Error | 'end' | undefined;
  #releasedBytes = -1;

  constructor(
    providerName: string,
    request: OutgoingRequest | undefined,
    listener: UpstreamListener,
    owner: ExchangeOwner,
  ) {
    this.#providerName = providerName;
    this.#request = request;
    this.#listener = listener;
    this.#owner = owner;
  }

  // what the caller asks

  get sent(): boolean {
    return this.#sent;
  }

  pause(): void {
    if (this.#releasedBytes >= 0) return;
    this.#paused = true;
    if (this.#headSeen) this.#connection?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // What is held is told in a later turn: the caller may be in the middle of its own queue.
    if (this.#holds) queueMicrotask(() => this.#tellHeld());
    else this.#connection?.resume();
  }

  abort(): void {
    if (this.#over) return;
    const connection = this.#connection;
    this.#finish();
    if (this.#sent) connection?.destroy();
    else this.#owner.withdrawn(this);
  }

  release(): void {
    if (this.#over) return;
    if (!this.#sent || this.#heldEnd !== undefined) return this.abort();
    this.#listener = undefined;
    this.#releasedBytes = 0;
    this.#held = [];
    this.resume();
    this.#connection?.endWithin(ticksOf(RELEASED_MS_MAX));
  }

  // what the connection tells

  begin(connection: Connection): OutgoingRequest {
    const request = this.#request as OutgoingRequest;
    this.#request = undefined;
    this.#connection = connection;
    this.#sent = true;
    return request;
  }

  head(head: ResponseHead): void {
    this.#headSeen = true;
    this.#tell((listener) => listener.head(head));
    if (this.#paused) this.#connection?.pause();
  }

  data(bytes: Buffer): void {
    if (this.#releasedBytes >= 0) {
      this.#releasedBytes += bytes.length;
      if (this.#releasedBytes > RELEASED_BYTES_MAX) this.abort();
    } else if (this.#paused || this.#holds) this.#held.push(bytes);
    else this.#tell((listener) => listener.data(bytes));
  }

  end(): void {
    this.#connection = undefined;
    if (this.#paused || this.#holds) this.#heldEnd = 'end';
    else this.#tellEnd('end');
  }

  fail(error: Error): void {
    this.#connection = undefined;
    if (this.#held.length > 0) this.#heldEnd = error;
    else this.#tellEnd(error);
  }

  get #holds(): boolean {
    return this.#held.length > 0 || this.#heldEnd !== undefined;
  }

  #tellHeld(): void {
    while (!this.#paused) {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#tell((listener) => listener.data(bytes));
    }
    if (this.#paused) return;
    if (this.#heldEnd === undefined) this.#connection?.resume();
    else this.#tellEnd(this.#heldEnd);
  }

  /** A listener that throws must not take the connection's other callers with it. */
  #tell(tell: (listener: UpstreamListener) => void): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    try {
      tell(listener);
    } catch (error) {
      this.#connection?.destroy();
      this.#held = [];
      this.#tellEnd(error as Error);
    }
  }

  #tellEnd(end: Error | 'end'): void {
    const listener = this.#listener;
    this.#finish();
    if (listener === undefined) return;
    if (end !== 'end') return listener.fail(this.#inOurWords(end));
    try {
      listener.end();
    } catch (error) {
      listener.fail(this.#inOurWords(error));
    }
  }

  #inOurWords(error: unknown): ReturnType<typeof toTransportError> {
    return toTransportError(error, this.#headSeen ? 'in-response' : 'before-response', this.#providerName);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener = undefined;
    this.#request = undefined;
    this.#connection = undefined;
    this.#held = [];
    this.#heldEnd = undefined;
    this.#owner.over(this);
  }
}
