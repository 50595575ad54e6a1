// The connections to one target, and who waits for one. Requests are given out once a turn, after the sockets were read: a connection that was closed or spoken on while idle
// is known by then, and one whose response is just over rests for a turn, since servers close connections that they promised to keep.
// Invariants: never more connections than allowed; each request is written once, on one connection, and never again.
import { Connection, type ConnectionOwner, type OutgoingRequest, type ResponseReceiver } from './connection.js';
import { Http1Error } from './http1-error.js';
import type { SocketOpener } from './socket.js';

/** A request that waits for a connection, and the receiver of its response. */
export interface WaitingCall extends ResponseReceiver {
  /** It is about to be written to the connection. */
  begin(connection: Connection): OutgoingRequest;
}

export interface PoolLimits {
  readonly connectionsMax: number;
  readonly connectTicks: number;
}

/** Beyond the connections of the target. The worker's own limit is lower; this one is the pool's. */
const WAITING_MAX = 4_096;

export class ConnectionPool implements ConnectionOwner {
  readonly #opener: SocketOpener;
  readonly #limits: PoolLimits;
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<WaitingCall>();
  /** The one used last stands last and is taken first, so that the others can grow old. */
  readonly #idle: Connection[] = [];
  readonly #opening: Connection[] = [];
  /** In this turn. */
  readonly #freed: Connection[] = [];
  #scheduled = false;

  constructor(opener: SocketOpener, limits: PoolLimits) {
    this.#opener = opener;
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#connections.size === 0 && this.#waiting.size === 0;
  }

  /** @throws Http1Error `TOO_MANY_WAIT` */
  submit(call: WaitingCall): void {
    if (this.#waiting.size >= WAITING_MAX) throw new Http1Error('TOO_MANY_WAIT', 'too many requests wait');
    this.#waiting.add(call);
    this.#schedule();
  }

  withdraw(call: WaitingCall): void {
    this.#waiting.delete(call);
    // Nobody waits for the youngest any more.
    if (this.#opening.length > this.#waiting.size) this.#opening.at(-1)?.destroy();
  }

  tick(): void {
    for (const connection of this.#connections) connection.tick();
    const nowMs = performance.now();
    for (const connection of [...this.#idle]) if (connection.idleUntilMs <= nowMs) connection.destroy();
  }

  /** Fails what waits and what is under way. @returns once the sockets are gone */
  async close(reason: Error): Promise<void> {
    for (const call of [...this.#waiting]) {
      this.#waiting.delete(call);
      call.fail(reason);
    }
    await Promise.all([...this.#connections].map((connection) => connection.close(reason)));
  }

  connected(connection: Connection): void {
    remove(this.#opening, connection);
    const [call] = this.#waiting;
    if (call === undefined) this.freed(connection);
    else this.#begin(call, connection);
  }

  freed(connection: Connection): void {
    this.#freed.push(connection);
    this.#schedule();
  }

  closed(connection: Connection, connectError: Error | undefined): void {
    this.#connections.delete(connection);
    remove(this.#idle, connection);
    remove(this.#freed, connection);
    remove(this.#opening, connection);
    if (connectError !== undefined) {
      const [call] = this.#waiting;
      if (call !== undefined) {
        this.#waiting.delete(call);
        call.fail(connectError);
      }
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#assign);
  }

  readonly #assign = (): void => {
    this.#scheduled = false;
    const nowMs = performance.now();
    for (const call of this.#waiting) {
      const connection = this.#takeIdle(nowMs);
      if (connection === undefined) break;
      this.#begin(call, connection);
    }
    for (const connection of this.#freed) {
      connection.idleUntilMs = nowMs + connection.keepAliveMs;
      this.#idle.push(connection);
    }
    this.#freed.length = 0;
    if (this.#waiting.size === 0) return;
    if (this.#idle.length > 0) this.#schedule();
    while (
      this.#opening.length + this.#idle.length < this.#waiting.size &&
      this.#connections.size < this.#limits.connectionsMax
    ) {
      const connection = new Connection(this.#opener, this.#limits.connectTicks, this);
      this.#connections.add(connection);
      this.#opening.push(connection);
    }
  };

  #begin(call: WaitingCall, connection: Connection): void {
    this.#waiting.delete(call);
    connection.send(call.begin(connection), call);
  }

  #takeIdle(nowMs: number): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.idleUntilMs > nowMs) return connection;
      connection.destroy();
    }
  }
}

const remove = (from: Connection[], connection: Connection): void => {
  const at = from.lastIndexOf(connection);
  if (at >= 0) from.splice(at, 1);
};
