// One socket to one server, from CONNECT to its end. What is published in a turn leaves with one write; pings tell a dead server from a silent one;
// what the server cannot take is bounded. A link ends once, and is never used again.
import type { Socket } from 'node:net';
import type { CoreHeaders, CoreMessage } from './core-connection.js';
import { Outgoing } from './outgoing.js';
import { Parser } from './protocol/parse.js';
import { parseServerInfo, type ServerInfo } from './protocol/server-info.js';
import type { Turn, TurnTask } from './turn.js';

/** A turn that gathers more than this is written before it ends. */
const TURN_BYTES_MAX = 256 * 1024;
/** Bytes given to the socket that the server did not take: beyond it the server is as good as dead. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** Not a byte since so many pings is a dead connection. Any byte will do: an answer may stand behind megabytes that a busy process did not read yet. */
const PINGS_MISSED_MAX = 2;

export interface LinkEvents {
  message(sid: number, message: CoreMessage): void;
  /** Text behind -ERR. */
  error(text: string): void;
  /** Again when something changed. */
  info(info: ServerInfo): void;
  /** Once, last, in a turn of its own. Without a cause where the server closed in order. */
  ended(cause: Error | undefined): void;
}

export interface Link {
  readonly info: ServerInfo;
  /** False from the moment of its end, before `ended` is called. */
  readonly alive: boolean;
  /** @throws Error when subject, headers or size cannot be sent. */
  publish(subject: string, payload: Uint8Array, reply: string, headers: CoreHeaders | undefined): void;
  /** One line of the protocol. */
  line(text: string): void;
  /** Resolves when the server has processed all that was sent before, and all that it had sent before was handed over; rejects when the link ends first. */
  barrier(): Promise<void>;
  end(cause?: Error): void;
}

const LOST = 'the connection was lost';

/** The socket is connected, and the server has greeted with `info`. A turn serves one link at a time. */
export const createLink = (
  socket: Socket,
  info: ServerInfo,
  pingEveryMs: number,
  turn: Turn,
  events: LinkEvents,
): Link => {
  const outgoing = new Outgoing(socket);
  const writeTask: TurnTask = { waiting: false, atTurnEnd: () => write() };
  const barriers: { resolve(): void; reject(cause: Error): void }[] = [];
  let current = info;
  let alive = true;
  let cause: Error | undefined;
  let pingsMissed = 0;

  const write = (): void => {
    if (!alive) return;
    outgoing.write();
    if (socket.writableLength > WAITING_BYTES_MAX)
      link.end(new Error(`the server did not take ${socket.writableLength} bytes`));
  };
  const parser = new Parser({
    message: events.message,
    error: events.error,
    info(json) {
      current = parseServerInfo(json);
      events.info(current);
    },
    ping: () => link.line('PONG'),
    pong: () => barriers.shift()?.resolve(),
  });

  const link: Link = {
    get info() {
      return current;
    },
    get alive() {
      return alive;
    },
    publish(subject, payload, reply, headers) {
      outgoing.publish(subject, payload, reply, headers, current.maxPayload);
      if (outgoing.bytes > TURN_BYTES_MAX) write();
      else turn.addLast(writeTask);
    },
    line(text) {
      outgoing.line(text);
      turn.addLast(writeTask);
    },
    barrier: () =>
      new Promise((resolve, reject) => {
        if (!alive) {
          reject(new Error(LOST));
          return;
        }
        barriers.push({ resolve, reject });
        link.line('PING');
      }),
    end(why) {
      if (!alive) return;
      alive = false;
      cause = why;
      clearInterval(pinging);
      for (const { reject } of barriers.splice(0)) reject(cause ?? new Error(LOST));
      socket.destroy();
    },
  };

  const ping = (): void => {
    if (pingsMissed >= PINGS_MISSED_MAX) {
      link.end(new Error(`the server said nothing to ${pingsMissed} pings`));
      return;
    }
    pingsMissed += 1;
    barriers.push({ resolve: () => undefined, reject: () => undefined });
    link.line('PING');
  };
  const pinging = setInterval(ping, pingEveryMs);

  socket.on('data', (chunk: Buffer) => {
    if (!alive) return;
    pingsMissed = 0;
    try {
      parser.parse(chunk);
    } catch (error) {
      link.end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  socket.on('error', (error) => link.end(error));
  socket.on('end', () => link.end());
  socket.on('close', () => {
    link.end();
    events.ended(cause);
  });
  // The dial left it paused.
  socket.resume();
  return link;
};
