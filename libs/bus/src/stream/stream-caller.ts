// Opens streams: in this process where a handler lives here, over the wire otherwise; and keeps the open ones going.
import { AttemptCredit, WaystationError, type StreamContract } from '@waystation/contracts';
import type { OpenStreamOptions, StreamCall, StreamReader } from '../bus.js';
import { parseInboxSubject } from '../inbox/inbox.js';
import { encodeEnvelope } from '../message/envelope.js';
import { activeTraceparent } from '../message/trace-context.js';
import { encodeJson } from '../message/validate.js';
import { wholeBodyMax, type StreamPort } from './port.js';
import { RemoteCall, sendCancel, type CallOwner } from './remote-call.js';
import type { StreamHost } from './stream-host.js';

export interface StreamCaller {
  open<Request, End>(
    contract: StreamContract<Request, End>,
    key: string,
    request: Request,
    body: Uint8Array,
    options: OpenStreamOptions,
    reader: StreamReader<End>,
  ): StreamCall;
  /** Open streams over the wire. */
  readonly openCount: number;
  close(): void;
}

/** Finished calls told to a worker in one message: enough to be cheap, soon enough that little is kept for nothing. */
const FINISHED_PER_MESSAGE_MAX = 64;
const EMPTY = Buffer.alloc(0);

/** Gathers which finished streams a worker may forget: one message for many. */
const createReceipts = (
  port: StreamPort,
): { add(worker: string, call: string, sequence: number, bytes: number): void; flush(): void } => {
  const byWorker = new Map<string, { call: string; sequence: number; upToByte: number; finished: string[] }>();
  const send = (
    worker: string,
    receipt: { call: string; sequence: number; upToByte: number; finished: string[] },
  ): void => {
    port.connection.publish(AttemptCredit.subjectOf(worker), encodeJson({ v: AttemptCredit.version, ...receipt }));
  };
  return {
    add(worker, call, sequence, bytes) {
      const receipt = byWorker.get(worker);
      if (receipt === undefined) byWorker.set(worker, { call, sequence, upToByte: bytes, finished: [call] });
      else if (receipt.finished.push(call) >= FINISHED_PER_MESSAGE_MAX) {
        byWorker.delete(worker);
        send(worker, receipt);
      }
    },
    flush() {
      for (const [worker, receipt] of byWorker) send(worker, receipt);
      byWorker.clear();
    },
  };
};

export const createStreamCaller = (port: StreamPort, host: StreamHost): StreamCaller => {
  const calls = new Map<string, RemoteCall>();
  const receipts = createReceipts(port);
  const owner: CallOwner = {
    closed(call) {
      calls.delete(call.call);
      port.inbox.forget(call.call);
    },
    received: (worker, call, sequence, bytes) => receipts.add(worker, call, sequence, bytes),
  };
  const unavailable = (): WaystationError =>
    new WaystationError('bus_unavailable', 'The message bus is not reachable at the moment. Try again shortly.', {
      retryAfterMs: port.times.disconnectGraceMs,
    });

  const looking = setInterval(() => {
    receipts.flush();
    for (const call of calls.values()) call.look();
  }, port.times.creditEveryMs);
  looking.unref();

  port.outage.onReconnect(() => {
    for (const call of calls.values()) call.reconnected();
  });
  port.outage.onLongerThan(port.times.requestGraceMs, () => {
    for (const call of [...calls.values()]) if (!call.isSent) call.fail(unavailable());
  });
  port.outage.onLongerThan(port.times.disconnectGraceMs, () => {
    for (const call of [...calls.values()]) call.fail(unavailable());
  });
  // Frames of a stream that was given up before its worker was known, and so before anything came of it: the worker learns it now.
  port.inbox.onUnknown('s', (token, message) => {
    const worker = message.status === 0 ? parseInboxSubject(message.reply) : undefined;
    if (worker !== undefined) sendCancel(port, worker.instance, token, 'passed-over');
  });

  return {
    get openCount() {
      return calls.size;
    },

    open<Request, End>(
      contract: StreamContract<Request, End>,
      key: string,
      request: Request,
      body: Uint8Array,
      options: OpenStreamOptions,
      reader: StreamReader<End>,
    ): StreamCall {
      // The reader gets what the contract's schema let through (over the wire) or what the contract's own handler ended with (in process).
      const anyReader = reader as StreamReader<unknown>;
      const token = port.inbox.token('s');
      const local = host.openLocal(contract, key, request, body, options, token, anyReader);
      if (local !== undefined) return local;

      const inParts = body.length > wholeBodyMax(port);
      const traceparent = activeTraceparent();
      const message = encodeEnvelope(
        {
          v: contract.version,
          s: Date.now(),
          d: options.deadlineAt,
          ...(traceparent === undefined ? {} : { t: traceparent }),
          w: port.bounds.streamWindow,
          ...(inParts ? { p: body.length } : {}),
          ...(options.acceptTimeoutMs === undefined ? {} : { a: options.acceptTimeoutMs }),
          request,
        },
        inParts ? EMPTY : body,
      );
      const call = new RemoteCall(
        port,
        owner,
        contract,
        token,
        { subject: contract.subjectOf(key), message, body: inParts ? body : undefined },
        options,
        anyReader,
      );
      calls.set(token, call);
      port.inbox.expect(token, (received) => call.onMessage(received));
      if (body.length > port.bounds.bodyMax) {
        queueMicrotask(() =>
          call.fail(
            new WaystationError(
              'payload_too_large',
              `A body may have ${port.bounds.bodyMax} bytes, not ${body.length}.`,
            ),
          ),
        );
      } else if (port.outage.lastedMs() > port.times.requestGraceMs) queueMicrotask(() => call.fail(unavailable()));
      else call.send();
      return call;
    },

    close() {
      clearInterval(looking);
      receipts.flush();
      for (const call of [...calls.values()])
        call.giveUp(new WaystationError('shutting_down', 'This process is shutting down.'), 'shutdown');
    },
  };
};
