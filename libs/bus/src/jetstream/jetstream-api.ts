// JetStream's request/reply API over our own inbox: a request is one message with JSON, its answer JSON with an `error` where it failed.
// https://docs.nats.io/reference/reference-protocols/nats_api_reference
import { WaystationError } from '@waystation/contracts';
import type { CoreConnection, CoreHeaders, CoreMessage } from '../connection/core-connection.js';
import type { Inbox } from '../inbox/inbox.js';
import { encodeJson, parseJson } from '../message/validate.js';

/** Error codes of the server that we act on. https://github.com/nats-io/nats-server/blob/main/server/errors.json */
export const JETSTREAM_ERRORS = {
  consumerNotFound: 10014,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  consumerExists: 10148,
} as const;

export const NANOS_PER_MS = 1_000_000;

export interface JetStreamApi {
  /** @throws WaystationError `bus_unavailable` without an answer, `internal` with `details.jetstream` = the server's error code otherwise. */
  request(subject: string, payload: unknown): Promise<Record<string, unknown>>;
  /** The raw answer to raw bytes; for publishes and direct reads. @throws WaystationError `bus_unavailable` */
  exchange(subject: string, payload: Uint8Array, headers?: CoreHeaders): Promise<CoreMessage>;
}

/** The server's code of an error thrown by `request`; undefined for all other errors. */
export const jetStreamErrorOf = (error: unknown): number | undefined => {
  const code = error instanceof WaystationError ? error.details?.['jetstream'] : undefined;
  return typeof code === 'number' ? code : undefined;
};

const NO_RESPONDERS = 503;
const EMPTY = Buffer.alloc(0);

export const createJetStreamApi = (connection: CoreConnection, inbox: Inbox, timeoutMs: number): JetStreamApi => {
  const waiting = new Map<string, (error: WaystationError) => void>();
  connection.onRefusal(({ operation, subject }) => {
    if (operation === 'publish')
      waiting.get(subject)?.(
        new WaystationError('internal', `This service may not use ${subject}; check the permissions of its NATS user.`),
      );
  });

  const exchange = (subject: string, payload: Uint8Array, headers?: CoreHeaders): Promise<CoreMessage> =>
    new Promise((resolve, reject) => {
      const token = inbox.token('a');
      const settle = (): void => {
        inbox.forget(token);
        clearTimeout(timer);
        waiting.delete(subject);
      };
      const fail = (error: WaystationError): void => {
        settle();
        reject(error);
      };
      const timer = setTimeout(
        () =>
          fail(new WaystationError('bus_unavailable', `JetStream did not answer ${subject} within ${timeoutMs} ms.`)),
        timeoutMs,
      );
      inbox.expect(token, (message) => {
        if (message.status === NO_RESPONDERS) {
          fail(
            new WaystationError(
              'bus_unavailable',
              `JetStream has nobody to answer ${subject}: is it enabled, and is the stream there?`,
              { details: { status: NO_RESPONDERS } },
            ),
          );
          return;
        }
        settle();
        resolve(message);
      });
      waiting.set(subject, fail);
      if (!connection.publish(subject, payload, inbox.subjectOf(token), headers))
        fail(new WaystationError('bus_unavailable', 'The message bus is not reachable at the moment.'));
    });

  return {
    exchange,
    async request(subject, payload) {
      const message = await exchange(subject, payload === undefined ? EMPTY : encodeJson(payload));
      return parseApiReply(message.data, subject);
    },
  };
};

/** @throws WaystationError `internal` with the server's words and code. */
export const parseApiReply = (data: Uint8Array, subject: string): Record<string, unknown> => {
  const reply = parseJson(data, `JetStream's answer to ${subject}`) as Record<string, unknown> & {
    error?: { code?: number; err_code?: number; description?: string };
  };
  if (reply.error === undefined) return reply;
  throw new WaystationError(
    'internal',
    `JetStream refused ${subject}: ${reply.error.description ?? 'no reason given'}.`,
    { details: { jetstream: reply.error.err_code ?? reply.error.code ?? 0 } },
  );
};

/** What a delivered message says of itself in its ack subject. */
export interface DeliveryInfo {
  readonly deliveries: number;
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Messages behind this one. */
  readonly pending: number;
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`; newer servers put domain and account before the stream. */
export const parseAckSubject = (reply: string): DeliveryInfo | undefined => {
  if (!reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const first = tokens.length === 9 ? 4 : tokens.length >= 11 ? 6 : undefined;
  if (first === undefined) return undefined;
  const [deliveries, streamSequence, consumerSequence, , pending] = tokens.slice(first, first + 5).map(Number);
  if (
    deliveries === undefined ||
    streamSequence === undefined ||
    consumerSequence === undefined ||
    pending === undefined ||
    Number.isNaN(pending)
  )
    return undefined;
  return { deliveries, streamSequence, consumerSequence, pending };
};
