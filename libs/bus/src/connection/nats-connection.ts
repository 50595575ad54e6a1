// CoreConnection over @nats-io/transport-node. Reconnects for ever with short waits, pings short, refuses servers that are too old.
// While disconnected nothing is buffered here: a message that would be late is the business of whoever needs it.
import { readFileSync } from 'node:fs';
import {
  connect,
  headers as newHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type NodeConnectionOptions,
  PermissionViolationError,
} from '@nats-io/transport-node';
import { WaystationError } from '@waystation/contracts';
import type { BusState } from '../bus.js';
import type { BusOptions, BusTimes } from '../options.js';
import type { CoreConnection, CoreHeaders, CoreMessage, PermissionRefusal } from './core-connection.js';
import type { Turn, TurnTask } from './turn.js';

/** JetStream consumer creation by subject, and consumer limits: what provisioning and permissions rely on. */
const SERVER_MINIMUM = { major: 2, minor: 10 } as const;
/** A turn that gathers more than this is written before it ends. */
const TURN_BYTES_MAX = 256 * 1024;
/** Two missed pings are a dead connection. */
const PINGS_MISSED_MAX = 2;
const DIAL_TIMEOUT_MS = 2_000;

export const assertServerVersion = (version: string): void => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > SERVER_MINIMUM.major || (major === SERVER_MINIMUM.major && minor >= SERVER_MINIMUM.minor)) return;
  throw new WaystationError(
    'bus_unavailable',
    `NATS server ${version} is too old; Waystation needs ${SERVER_MINIMUM.major}.${SERVER_MINIMUM.minor} or newer.`,
  );
};

class NatsMessage implements CoreMessage {
  readonly #message: Msg;
  constructor(message: Msg) {
    this.#message = message;
  }
  get subject(): string {
    return this.#message.subject;
  }
  get reply(): string {
    return this.#message.reply ?? '';
  }
  get data(): Uint8Array {
    return this.#message.data;
  }
  get status(): number {
    return this.#message.headers?.code ?? 0;
  }
  get description(): string {
    return this.#message.headers?.description ?? '';
  }
  header(name: string): string | undefined {
    const headers = this.#message.headers;
    return headers?.has(name) === true ? headers.get(name) : undefined;
  }
}

const connectionOptions = (options: BusOptions, times: BusTimes): NodeConnectionOptions => ({
  servers: options.url.split(','),
  name: `waystation-${options.service}`,
  inboxPrefix: `_INBOX.${options.service}`,
  ...(options.user === undefined ? {} : { user: options.user }),
  ...(options.password === undefined ? {} : { pass: options.password }),
  ...(options.tls === undefined
    ? {}
    : {
        tls: {
          ...(options.tls.caFile === undefined ? {} : { ca: readFileSync(options.tls.caFile, 'utf8') }),
          ...(options.tls.certFile === undefined ? {} : { cert: readFileSync(options.tls.certFile, 'utf8') }),
          ...(options.tls.keyFile === undefined ? {} : { key: readFileSync(options.tls.keyFile, 'utf8') }),
        },
      }),
  timeout: DIAL_TIMEOUT_MS,
  maxReconnectAttempts: -1,
  reconnectTimeWait: times.reconnectWaitMs,
  reconnectJitter: times.reconnectWaitMs,
  pingInterval: times.pingEveryMs,
  maxPingOut: PINGS_MISSED_MAX,
  ignoreAuthErrorAbort: true,
  noAsyncTraces: true,
});

/** Credentials in a URL must not reach a log line. */
const hostsOf = (url: string): string => url.replaceAll(/\/\/[^@/,]*@/g, '//');

const dial = async (options: BusOptions, times: BusTimes, connectTimeoutMs: number): Promise<NatsConnection> => {
  const givesUpAt = Date.now() + connectTimeoutMs;
  for (;;) {
    try {
      return await connect(connectionOptions(options, times));
    } catch (cause) {
      const refused = cause instanceof Error && /authorization|authentication/i.test(`${cause.name} ${cause.message}`);
      if (refused) {
        throw new WaystationError(
          'bus_unavailable',
          `NATS at ${hostsOf(options.url)} refused user ${options.user ?? '(none)'}: check the user and its password.`,
          { cause },
        );
      }
      if (Date.now() >= givesUpAt) {
        throw new WaystationError(
          'bus_unavailable',
          `NATS at ${hostsOf(options.url)} did not answer within ${connectTimeoutMs} ms.`,
          { cause },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, times.reconnectWaitMs));
    }
  }
};

interface Queued {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
  readonly headers: CoreHeaders | undefined;
}

const encodeHeaders = (headers: CoreHeaders): MsgHdrs => {
  const encoded = newHeaders();
  for (const [name, value] of headers) encoded.append(name, value);
  return encoded;
};

/** @throws WaystationError `bus_unavailable` when the server cannot be reached in time, refuses us, or is too old. */
export const connectNats = async (
  options: BusOptions,
  times: BusTimes,
  turn: Turn,
  onError: (error: unknown, where: string) => void,
): Promise<CoreConnection> => {
  const nats = await dial(options, times, options.connectTimeoutMs ?? 10_000);
  try {
    assertServerVersion(nats.info?.version ?? '0.0.0');
  } catch (error) {
    await nats.close();
    throw error;
  }

  let state: BusState = 'connected';
  let queue: Queued[] = [];
  let queuedBytes = 0;
  let maxPayload = nats.info?.max_payload ?? 1024 * 1024;
  const stateListeners: ((state: BusState) => void)[] = [];
  const refusalListeners: ((refusal: PermissionRefusal) => void)[] = [];

  const setState = (next: BusState): void => {
    if (state === next || state === 'closed') return;
    state = next;
    if (next !== 'connected') {
      queue = [];
      queuedBytes = 0;
    }
    for (const listener of stateListeners) listener(next);
  };

  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') setState('reconnecting');
      else if (status.type === 'reconnect') {
        maxPayload = nats.info?.max_payload ?? maxPayload;
        setState('connected');
      } else if (status.type === 'error') {
        if (status.error instanceof PermissionViolationError) {
          const { operation, subject } = status.error;
          for (const listener of refusalListeners) listener({ operation, subject });
        } else onError(status.error, 'connection');
      }
    }
  })();
  void nats.closed().then(() => setState('closed'));

  const write = (): void => {
    if (queue.length === 0) return;
    const due = queue;
    queue = [];
    queuedBytes = 0;
    for (const { subject, payload, reply, headers } of due) {
      try {
        nats.publish(subject, payload, {
          ...(reply === undefined ? {} : { reply }),
          ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
        });
      } catch (error) {
        onError(error, `publish ${subject}`);
      }
    }
  };
  const writeTask: TurnTask = { waiting: false, atTurnEnd: write };

  return {
    get state() {
      return state;
    },
    get maxPayload() {
      return maxPayload;
    },
    onState: (listener) => void stateListeners.push(listener),
    onRefusal: (listener) => void refusalListeners.push(listener),
    publish(subject, payload, reply, headers) {
      if (state !== 'connected') return false;
      queue.push({ subject, payload, reply, headers });
      queuedBytes += payload.length;
      if (queuedBytes > TURN_BYTES_MAX) write();
      else turn.addLast(writeTask);
      return true;
    },
    subscribe(subject, queueGroup, onMessage) {
      const subscription = nats.subscribe(subject, {
        ...(queueGroup === undefined ? {} : { queue: queueGroup }),
        callback: (error, message) => {
          if (error !== null) return;
          try {
            onMessage(new NatsMessage(message));
          } catch (thrown) {
            onError(thrown, `message on ${subject}`);
          }
        },
      });
      return {
        async drain() {
          if (nats.isClosed() || subscription.isClosed()) return;
          if (state === 'connected') await subscription.drain();
          else subscription.unsubscribe();
        },
      };
    },
    async flush() {
      write();
      await nats.flush();
    },
    async close() {
      write();
      if (!nats.isClosed()) {
        if (state === 'connected') await nats.flush().catch(() => undefined);
        await nats.close();
      }
      setState('closed');
    },
  };
};
