// Asks: one message to the contract's subject, one answer on our own inbox. A handler in this process is called directly, without JSON or schema.
// While the bus is away requests wait a moment, then fail at once; those that may be sent twice are sent again on reconnect.
import { WaystationError, toWaystationError, type RpcContract } from '@waystation/contracts';
import type { RequestOptions } from '../bus.js';
import type { CoreConnection, CoreMessage } from '../connection/core-connection.js';
import type { Inbox } from '../inbox/inbox.js';
import { encodeEnvelope } from '../message/envelope.js';
import { isPromise } from '../message/is-promise.js';
import { activeTraceparent } from '../message/trace-context.js';
import { encodeJson, errorFromBytes, parseJson, validate } from '../message/validate.js';
import type { BusTimes } from '../options.js';
import type { Outage } from '../connection/outage.js';
import { CallContext } from './call-context.js';
import { REPLY_OK, type RpcHost } from './rpc-host.js';

/** NATS answers with it, without a body, when nobody is subscribed. */
export const STATUS_NO_RESPONDERS = 503;

export interface RpcCaller {
  request<Request, Reply>(
    contract: RpcContract<Request, Reply>,
    request: Request,
    options?: RequestOptions,
  ): Promise<Reply>;
  /** Fails what still waits. */
  close(): void;
}

interface Pending {
  readonly subject: string;
  readonly message: Buffer;
  readonly replyTo: string;
  readonly mayRepeat: boolean;
  sent: boolean;
  fail(error: WaystationError): void;
}

export const createRpcCaller = (
  connection: CoreConnection,
  inbox: Inbox,
  host: RpcHost,
  outage: Outage,
  times: BusTimes,
): RpcCaller => {
  const pending = new Set<Pending>();
  const unavailable = (): WaystationError =>
    new WaystationError('bus_unavailable', 'The message bus is not reachable at the moment. Try again shortly.', {
      retryAfterMs: times.disconnectGraceMs,
    });

  const send = (entry: Pending): void => {
    if (connection.publish(entry.subject, entry.message, entry.replyTo)) entry.sent = true;
  };
  outage.onReconnect(() => {
    for (const entry of pending) if (!entry.sent || entry.mayRepeat) send(entry);
  });
  outage.onLongerThan(times.requestGraceMs, () => {
    for (const entry of [...pending]) entry.fail(unavailable());
  });
  connection.onRefusal(({ operation, subject }) => {
    if (operation !== 'publish') return;
    for (const entry of [...pending])
      if (entry.subject === subject)
        entry.fail(
          new WaystationError(
            'internal',
            `This service may not call ${subject}; check the permissions of its NATS user.`,
          ),
        );
  });

  const callRemote = <Request, Reply>(
    contract: RpcContract<Request, Reply>,
    request: Request,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Reply> =>
    new Promise<Reply>((resolve, reject) => {
      const sentAt = Date.now();
      const traceparent = activeTraceparent();
      const message = encodeEnvelope(
        {
          v: contract.version,
          s: sentAt,
          d: sentAt + timeoutMs,
          ...(traceparent === undefined ? {} : { t: traceparent }),
        },
        encodeJson(request),
      );
      if (message.length > connection.maxPayload) {
        reject(
          new WaystationError(
            'payload_too_large',
            `The request to ${contract.name} has ${message.length} bytes; a message may have ${connection.maxPayload}.`,
          ),
        );
        return;
      }
      const token = inbox.token('r');
      const settle = (): void => {
        inbox.forget(token);
        pending.delete(entry);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const entry: Pending = {
        subject: contract.subject,
        message,
        replyTo: inbox.subjectOf(token),
        mayRepeat: contract.idempotent,
        sent: false,
        fail(error) {
          settle();
          reject(error);
        },
      };
      const onAbort = (): void =>
        entry.fail(new WaystationError('cancelled', `The call of ${contract.name} was cancelled.`));
      const late = (): void => {
        if (!pending.has(entry)) return;
        entry.fail(new WaystationError('deadline_exceeded', `${contract.name} did not answer within ${timeoutMs} ms.`));
      };
      // When our own loop stood still, timers fire before the reply that came meanwhile is read: the socket first.
      const timer = setTimeout(() => setImmediate(late), timeoutMs);

      const onReply = (reply: CoreMessage): void => {
        if (reply.status === STATUS_NO_RESPONDERS) {
          // Nobody got it, so it may go again: right after an outage the others are still coming back.
          if (outage.sinceReconnectMs() < times.requestGraceMs) {
            setTimeout(() => pending.has(entry) && send(entry), times.reconnectWaitMs / 4).unref();
            return;
          }
          entry.fail(
            new WaystationError('no_responder', `Nobody serves ${contract.name} at the moment. Try again shortly.`),
          );
          return;
        }
        settle();
        try {
          if (reply.data[0] !== REPLY_OK)
            throw reply.data.length === 0
              ? new WaystationError('bad_message', `The reply of ${contract.name} is empty.`)
              : errorFromBytes(reply.data.subarray(1));
          resolve(
            validate(
              contract.reply,
              parseJson(reply.data.subarray(1), `The reply of ${contract.name}`),
              `The reply of ${contract.name}`,
            ),
          );
        } catch (error) {
          reject(toWaystationError(error));
        }
      };

      pending.add(entry);
      inbox.expect(token, onReply);
      signal?.addEventListener('abort', onAbort, { once: true });
      send(entry);
    });

  const callLocal = <Reply>(
    name: string,
    result: Promise<Reply>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Reply> =>
    new Promise<Reply>((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(new WaystationError('cancelled', `The call of ${name} was cancelled.`));
      };
      const timer = setTimeout(
        () => reject(new WaystationError('deadline_exceeded', `${name} did not answer within ${timeoutMs} ms.`)),
        timeoutMs,
      );
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      result.then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error: unknown) => {
          settle();
          reject(toWaystationError(error));
        },
      );
    });

  return {
    async request<Request, Reply>(
      contract: RpcContract<Request, Reply>,
      request: Request,
      options: RequestOptions = {},
    ): Promise<Reply> {
      const timeoutMs = options.timeoutMs ?? times.rpcTimeoutMs;
      if (options.signal?.aborted === true)
        throw new WaystationError('cancelled', `The call of ${contract.name} was cancelled.`);
      const local = host.local(contract.subject);
      if (local === undefined) {
        if (outage.lastedMs() > times.requestGraceMs) throw unavailable();
        return callRemote(contract, request, timeoutMs, options.signal);
      }
      const context = new CallContext(Date.now() + timeoutMs, activeTraceparent());
      try {
        const result = local.call(request, context);
        // The handler was registered for the contract's subject, so that its reply has the contract's type.
        if (!isPromise(result)) return result as Reply;
        return await callLocal(contract.name, result as Promise<Reply>, timeoutMs, options.signal);
      } catch (error) {
        throw toWaystationError(error);
      } finally {
        context.done();
      }
    },
    close() {
      for (const entry of [...pending])
        entry.fail(new WaystationError('shutting_down', 'This process is shutting down.'));
    },
  };
};
