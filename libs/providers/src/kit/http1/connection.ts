// One socket, one request at a time: written in one go, its response parsed as it is read.
// Invariants: it is used again only after a response whose end was certain and with nothing behind it; bytes that nobody asked for close it; once it is closed, its
// receiver is told at most one thing, the failure.
import type { Socket } from 'node:net';
import { Http1Error } from './http1-error.js';
import type { SocketOpener } from './socket.js';
import type { ResponseHead } from './response-head.js';
import { ResponseParser } from './response-parser.js';

/** `head`, then `data`, then `end`; `fail` instead of any of them. */
export interface ResponseReceiver {
  head(head: ResponseHead): void;
  data(bytes: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

export interface ConnectionOwner {
  /** It may take a request. */
  connected(connection: Connection): void;
  /** The response is over and the connection may be used again. */
  freed(connection: Connection): void;
  /** It was closed. `connectError` where it was never open. */
  closed(connection: Connection, connectError: Error | undefined): void;
}

export interface OutgoingRequest {
  /** Latin-1. */
  readonly head: string;
  readonly body: Buffer;
  /** Whether the connection must not be used again. */
  readonly closes: boolean;
  readonly firstByteTicks: number;
  readonly idleTicks: number;
}

/** Idle connections stay this long, unless the server says otherwise. */
const KEEP_ALIVE_MS = 15_000;
/** A request up to this size is copied into one buffer; beyond, head and body are two of one vectored write. */
const COPIED_BYTES_MAX = 16 * 1024;
/** All connections read into one buffer: the parser copies what is kept before anyone else can run. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

type Phase = 'connecting' | 'idle' | 'head' | 'body' | 'closed';

const TIMEOUTS = {
  connecting: new Http1Error('CONNECT_TIMEOUT', 'not connected in time'),
  head: new Http1Error('FIRST_BYTE_TIMEOUT', 'no answer in time'),
  body: new Http1Error('IDLE_TIMEOUT', 'the answer stopped'),
} as const;

export class Connection {
  /** To the proxy while it opens a tunnel, then the one inside of it. */
  #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser = new ResponseParser();
  #phase: Phase = 'connecting';
  #receiver: ResponseReceiver | undefined;
  /** Until the timeout of the phase; 0: none. */
  #ticksLeft: number;
  #idleTicks = 0;
  #closes = false;
  #paused = false;
  /** How long it may be idle from now on. */
  keepAliveMs = KEEP_ALIVE_MS;
  /** Set by the owner: on the clock of `performance.now`. */
  idleUntilMs = 0;

  constructor(opener: SocketOpener, connectTicks: number, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#ticksLeft = connectTicks;
    this.#socket = opener.open({
      onread: {
        buffer: READ_BUFFER,
        callback: (byteCount) => {
          this.#read(byteCount);
          return true;
        },
      },
      ready: (socket) => this.#ready(socket),
      failed: (error) => this.#fail(error),
      ended: () => this.#ended(),
    });
  }

  /** Writes the request and keeps nothing of it. */
  send({ head, body, closes, firstByteTicks, idleTicks }: OutgoingRequest, receiver: ResponseReceiver): void {
    this.#receiver = receiver;
    this.#phase = 'head';
    this.#ticksLeft = firstByteTicks;
    this.#idleTicks = idleTicks;
    this.#closes = closes;
    const socket = this.#socket;
    if (head.length + body.length <= COPIED_BYTES_MAX) {
      const request = Buffer.allocUnsafe(head.length + body.length);
      request.write(head, 'latin1');
      body.copy(request, head.length);
      socket.write(request);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
  }

  /** Reads no more, and does not hold it against the other side. Only during a body. */
  pause(): void {
    if (this.#phase !== 'body' || this.#paused) return;
    this.#paused = true;
    this.#ticksLeft = 0;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#phase === 'closed') return;
    this.#ticksLeft = this.#idleTicks;
    this.#socket.resume();
  }

  /** Whatever is still to come must have come by then. */
  endWithin(ticks: number): void {
    this.#idleTicks = 0;
    this.#ticksLeft = ticks;
  }

  tick(): void {
    if (this.#ticksLeft === 0) return;
    this.#ticksLeft -= 1;
    if (this.#ticksLeft === 0 && this.#phase !== 'idle' && this.#phase !== 'closed') this.#fail(TIMEOUTS[this.#phase]);
  }

  /** Closes the socket in this turn; the receiver is told nothing. */
  destroy(connectError?: Error): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#receiver = undefined;
    this.#ticksLeft = 0;
    this.#socket.destroy();
    this.#owner.closed(this, connectError);
  }

  /** Closes it for a reason that the receiver is told. @returns once the socket is gone */
  close(reason: Error): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve();
      this.#socket.once('close', () => resolve());
      this.#fail(reason);
    });
  }

  #ready(socket: Socket): void {
    if (this.#phase !== 'connecting') return;
    this.#socket = socket;
    this.#phase = 'idle';
    this.#ticksLeft = 0;
    // The ticker holds the process up while a call is in flight; an idle connection must not.
    socket.unref();
    this.#owner.connected(this);
  }

  #read(byteCount: number): void {
    const receiver = this.#receiver;
    // Nobody asked: they must not become the answer to the next request.
    if (receiver === undefined) return this.#fail(new Http1Error('CLOSED', 'the other side spoke unasked'));
    const parser = this.#parser;
    const body = parser.push(READ_BUFFER, 0, byteCount);
    if (this.#phase === 'head' && parser.head !== undefined) {
      this.#phase = 'body';
      this.#ticksLeft = this.#idleTicks;
      receiver.head(parser.head);
    } else if (this.#phase === 'body' && this.#idleTicks > 0 && !this.#paused) this.#ticksLeft = this.#idleTicks;
    if (body !== undefined && this.#receiver === receiver) receiver.data(body);
    if (this.#receiver !== receiver) return;
    if (parser.failure !== undefined) this.#fail(parser.failure);
    else if (parser.done) this.#finish(receiver, parser.head?.keepAliveMs);
  }

  #finish(receiver: ResponseReceiver, keepAliveMs = KEEP_ALIVE_MS): void {
    this.#receiver = undefined;
    // A server that answers before it has read the request may not be in step.
    const askedInFull = this.#socket.writableLength === 0;
    if (keepAliveMs === 0 || this.#closes || this.#parser.leftover || !askedInFull) this.destroy();
    else {
      this.#phase = 'idle';
      this.#parser.reset();
      this.resume();
      this.#ticksLeft = 0;
      this.keepAliveMs = keepAliveMs;
      this.#owner.freed(this);
    }
    receiver.end();
  }

  /** The other side sends no more. */
  #ended(): void {
    const receiver = this.#receiver;
    this.#parser.close();
    if (receiver !== undefined && this.#parser.done) this.#finish(receiver, 0);
    else this.#fail(new Http1Error('CLOSED', 'the other side closed the connection'));
  }

  #fail(error: Error): void {
    if (this.#phase === 'closed') return;
    const receiver = this.#receiver;
    this.destroy(this.#phase === 'connecting' ? error : undefined);
    receiver?.fail(error);
  }
}
